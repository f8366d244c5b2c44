"""The control plane's parts fit together: what is contained is proven by a worker, what is measured is signed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from fairlead.config import Settings, load_settings
from fairlead.gateway import Gateway, worker_socket
from fairlead.identity import LOCAL_OPERATOR, Actor
from fairlead.incidents import Incident
from fairlead.sdk import Guard
from fairlead.wiring.control_plane import ControlPlane, build_control_plane
from fairlead.wiring.data_plane import build_data_plane

POLICY = """\
fairlead: 1
system: shop
owner: team
tier: high
capture: none
audit: strict
unknown: block
upstream: {default: {provider: openai, base_url: "http://127.0.0.1:9/v1"}}
rules:
  - {id: no-cards, at: output, entity: payment_card, do: redact}
tools:
  - {tool: send_email, when: {to: {domain_in: [example.com]}}, else: block}
incidents:
  - {id: leak-stopped, when: {stage: tool_call, action: block, hazard: data_exfiltration}, severity: P1}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"FAIRLEAD_DATA": str(tmp_path / "data"), "FAIRLEAD_CONFIG": str(tmp_path / "config")})


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "fairlead.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def plane(settings: Settings, policy: Path) -> ControlPlane:
    return build_control_plane(settings, policy)


@pytest.fixture
def worker(settings: Settings, policy: Path) -> Iterator[None]:
    """One gateway worker, reachable by its own socket."""
    data_plane = build_data_plane(settings, policy, "worker-0")
    path = worker_socket(settings.data_dir, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    config = uvicorn.Config(Gateway(data_plane), uds=str(path), log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    yield
    server.should_exit = True
    thread.join(10)


def blocked_mail(settings: Settings, policy: Path) -> None:
    with Guard.load(policy, tenant="t1", settings=settings) as guard:
        assert not guard.check_call("send_email", '{"to": "eve@example.org"}').allowed


def opened(plane: ControlPlane, settings: Settings, policy: Path) -> Incident:
    plane.put_policy_in_force(tenant="t1", by="tests")
    blocked_mail(settings, policy)
    (incident,) = plane.look()
    return incident


@pytest.mark.usefixtures("worker")
def test_a_blocked_exfiltration_becomes_an_incident_and_a_lever_that_a_worker_is_seen_to_obey(
    plane: ControlPlane, settings: Settings, policy: Path
) -> None:
    account = plane.identity.create_account(LOCAL_OPERATOR, "t1", login="kim", password="long enough words", roles=("incident_commander",))
    incident = opened(plane, settings, policy)
    assert (incident.severity, incident.owner, incident.tool) == ("P1", "team", "send_email")
    contained = plane.desk.contain("t1", incident.id, ("tool", "send_email"), actor=Actor.of(account), reason="stop it")
    assert contained.effective
    assert [probe.worker for probe in contained.probes] == ["worker-0"]


def test_a_look_takes_each_decision_over_once(plane: ControlPlane, settings: Settings, policy: Path) -> None:
    opened(plane, settings, policy)
    assert plane.look() == ()


def test_the_default_rules_hold_for_a_release_that_was_never_put_in_force(plane: ControlPlane, settings: Settings, policy: Path) -> None:
    blocked_mail(settings, policy)
    (incident,) = plane.look()
    assert (incident.opened_by, incident.owner) == ("blocked-exfiltration", "")


def test_the_files_of_a_release_are_kept_under_its_id(plane: ControlPlane, settings: Settings, policy: Path) -> None:
    release = plane.put_policy_in_force(tenant="t1", by="tests")
    policy.write_text("no policy any more")
    kept = settings.data_dir / "releases" / release.replace(":", "-") / "fairlead.yaml"
    assert kept.read_text() == POLICY
