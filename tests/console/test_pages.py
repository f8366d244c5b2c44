"""What pages say: of records that are there, of none, of bad ones; with strict headers, without scripts, and never someone else's HTML."""

import re
from html.parser import HTMLParser

import msgspec
import pytest
from console.scene import Browser, Scene, twin

from fairlead.console import EntryLine, EvidenceFile, GateLine, RunFile, SystemLine
from fairlead.console.guard import CONTENT_POLICY, HEADERS
from fairlead.console.pages import ROWS
from fairlead.core import Coverage, Decision, FairleadError, Finding, IntegrityError, Refused
from fairlead.guard import Lever
from fairlead.incidents import Containment, Event, IncidentFile, ProbeResult
from fairlead.ledger import Checkpoint, Problem, Report
from fairlead.statistics import Claim, Sample, judge
from fairlead.store import StoreUnavailable
from fairlead.testing.console import MemoryReads
from fairlead.testing.decisions import decision
from fairlead.testing.governance import gate_record, incident_record, run_record

HOSTILE = '"><script>alert(1)</script><img src=//evil.example/x onerror=alert(1)>'
LISTS = ("/", "/decisions", "/incidents", "/runs", "/evidence")


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def reads() -> MemoryReads:
    return MemoryReads("north")


@pytest.fixture
def viewer(scene: Scene, reads: MemoryReads) -> Browser:
    """A browser of a viewer, over records that the test makes."""
    browser = Browser(scene.app(reads))
    browser.log_in("north")
    return browser


def system(**fields: object) -> SystemLine:
    plain = SystemLine(
        system="assistant",
        owner="platform",
        tier="high",
        mode="enforce",
        release="sha256:" + "ab" * 32,
        release_us=1,
        gate=GateLine(digest="sha256:0", run="run_1", suite="suite", answer="PASS", at_us=1),
        standing=0,
        worst="",
        exchanges=1,
        readiness="GO",
        reasons=(),
    )
    return msgspec.structs.replace(plain, **fields)


def incident_file(*events: Event, levers: tuple[Lever, ...] = (), **fields: object) -> IncidentFile:
    incident = msgspec.structs.replace(incident_record("inc_1", at_us=1_764_000_000_000_000), tenant="north", **fields)
    return IncidentFile(incident=incident, events=events, levers=levers)


def strict(page: str) -> Tags:
    """Check that a page loads nothing from elsewhere and runs nothing."""
    tags = Tags(page)
    assert not {tag for tag, _ in tags.found} & {"script", "style", "iframe", "object", "embed", "base", "template"}
    for tag, attributes in tags.found:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc")], tag
        for name in ("href", "src", "action", "formaction", "xlink:href"):
            assert re.match(r"/(?!/)|#|$", attributes.get(name, "")), f"{tag} {name}={attributes.get(name)}"
    return tags


def test_every_answer_carries_the_strict_headers(scene: Scene, inside: Browser, tenant: str) -> None:
    expected = {name.decode(): value.decode() for name, value in HEADERS}
    assert "script-src" not in CONTENT_POLICY
    assert CONTENT_POLICY.startswith("default-src 'none'")
    pages = scene.pages(tenant)
    for address in (*pages, *map(twin, pages), "/login", "/static/console.css", "/static/icon.svg", "/nowhere", "/decisions?stage=x"):
        answer = inside.get(address)
        assert {name: answer.headers[name] for name in expected} == expected, address
        assert answer.headers["cache-control"] == ("no-cache" if "/static/" in address else "no-store"), address
        assert "set-cookie" not in answer.headers or address == "/login"


def test_pages_work_without_scripts_and_load_nothing_from_elsewhere(scene: Scene, inside: Browser, tenant: str) -> None:
    for address in (*scene.pages(tenant), "/decisions?refresh=on", "/login", "/nowhere"):
        tags = strict(inside.get(address).text)
        assert len(tags.named("h1")) == 1
        assert tags.named("html")[0]["lang"] == "en"
        assert not [form for form in tags.named("form") if form["action"] not in ("/login", "/logout", "/decisions")]
    style = inside.get("/static/console.css").text
    assert not re.search(r"url\(|@import|expression", style)


def test_every_link_leads_to_a_page(scene: Scene, inside: Browser, tenant: str) -> None:
    links = {link["href"].partition("#")[0] for page in scene.pages(tenant) for link in Tags(inside.get(page).text).named("a")}
    broken = [link for link in sorted(links - {""}) if inside.get(link).status_code != 200]
    assert not broken
    assert len(links) > 15


@pytest.mark.parametrize("address", LISTS)
def test_without_records_a_page_says_so(viewer: Browser, address: str) -> None:
    page = viewer.get(address)
    assert page.status_code == 200
    assert re.search(r'class="empty"', page.text)
    strict(page.text)


def test_what_records_say_is_text_whatever_stands_in_it(viewer: Browser, reads: MemoryReads) -> None:
    """Names of systems, rules and tools come from files and clients."""
    run = run_record("run_1", policy=HOSTILE, unsafe=[True], blocked=[True], at_us=1, suite=HOSTILE)
    results = tuple(msgspec.structs.replace(each, reason=HOSTILE, rules=(HOSTILE,)) for each in run.results)
    run = msgspec.structs.replace(run, results=results)
    reads.measured["run_1"] = RunFile(run=run, gates=(gate_record(run, answer="FAIL", reasons=[HOSTILE], at_us=1),))
    reads.shelf.append(system(system=HOSTILE, owner=HOSTILE, reasons=(HOSTILE,), readiness="NO-GO"))
    reads.decided.append(decision(tenant="north", system=HOSTILE, rule=HOSTILE, tool=HOSTILE, exchange=HOSTILE, capture=HOSTILE))
    event = Event(incident="inc_1", tenant="north", kind="opened", at_us=1, actor=HOSTILE, text=HOSTILE, subject=HOSTILE)
    lever = Lever(id=HOSTILE, kind="tool", target=HOSTILE, tenant="north", by="acc_1", reason=HOSTILE, at_us=1)
    reads.files["inc_1"] = incident_file(event, levers=(lever,), title=HOSTILE, system=HOSTILE, owner=HOSTILE, rule=HOSTILE, tool=HOSTILE)
    reads.people["acc_1"] = HOSTILE
    entry = EntryLine(position=0, kind="run", system=HOSTILE, subject=HOSTILE, digest=HOSTILE, outcome=HOSTILE, at_us=1, expires_us=0)
    reads.book = EvidenceFile(entries=(entry,), checkpoint=Checkpoint(origin=HOSTILE, size=1, root=HOSTILE, at_us=1), report=None)
    for address in (*LISTS, "/incidents/inc_1", "/runs/run_1", f"/decisions?rule={HOSTILE}&system={HOSTILE}"):
        page = viewer.get(address)
        assert page.status_code == 200
        strict(page.text)
        assert "<script" not in page.text
        assert address == "/runs" or "&lt;script&gt;" in page.text, address


@pytest.mark.parametrize("address", [f"/incidents/{HOSTILE}", f"/runs/{HOSTILE}", f"/{HOSTILE}", f"/decisions?stage={HOSTILE}"])
def test_a_problem_page_repeats_nothing_as_html(viewer: Browser, address: str) -> None:
    page = viewer.get(address)
    assert page.status_code in (400, 404)
    strict(page.text)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailable("the store does not answer", mend="start it"), 503, "store-unavailable"),
        (IntegrityError("a record is not what was signed"), 500, "integrity"),
        (Refused("not yours"), 403, "refused"),
        (ZeroDivisionError("secret words of the inside"), 500, "error"),
    ],
)
def test_what_goes_wrong_inside_is_told_without_its_inside(scene: Scene, error: Exception, status: int, code: str) -> None:
    class Broken(MemoryReads):
        def systems(self, tenant: str) -> list[SystemLine]:
            del tenant
            raise error

    browser = Browser(scene.app(Broken("north")), swallow=True)
    browser.log_in("north")
    page, data = browser.get("/"), browser.get("/portfolio.json")
    assert (page.status_code, data.status_code) == (status, status)
    assert page.headers["content-type"].startswith("text/html")
    assert data.json()["code"] == code
    assert "secret words" not in page.text + data.text
    assert page.headers["content-security-policy"] == CONTENT_POLICY
    if isinstance(error, FairleadError):
        assert error.what[1:] in page.text


def test_an_unknown_page_and_an_unknown_method_are_told_in_the_shape_that_was_asked_for(viewer: Browser) -> None:
    assert "There is no such page" in viewer.get("/nowhere").text
    assert viewer.get("/nowhere.json").json()["what"] == "there is no such page"
    assert viewer.post("/", {"x": "y"}).status_code == 405
    assert viewer.get("/openapi.json").status_code == viewer.get("/docs").status_code == 404


@pytest.mark.parametrize("query", ["stage=x", "action=deny", "until=-1", "until=1e9", "until=²", "until=" + "9" * 18])
def test_a_filter_that_does_not_exist_is_refused(viewer: Browser, reads: MemoryReads, query: str) -> None:
    refused = viewer.get(f"/decisions.json?{query}")
    assert (refused.status_code, refused.json()["code"]) == (400, "query-invalid")
    assert reads.wanted == []


def test_a_go_and_a_no_go_say_why(viewer: Browser, reads: MemoryReads) -> None:
    named = "inc_" + "a" * 26
    reads.shelf[:] = [system(), system(system="other", readiness="NO-GO", gate=None, standing=2, worst="P0", reasons=(f"{named} is open",))]
    page = viewer.get("/").text
    assert page.index(">GO<") < page.index(">NO-GO<")
    assert f'<a href="/incidents/{named}">inc_aaaaaaaaaa</a> is open' in page
    assert "1 reason why not" in page
    assert "none for this Release" in page


def test_a_decision_tells_what_was_found_and_what_nobody_looked_at(viewer: Browser, reads: MemoryReads) -> None:
    def looked(status: str) -> Coverage:
        return Coverage(path="/0", chars=3, status=status, detectors=("a@1",))  # type: ignore[arg-type] # any status

    finding = Finding(hazard="pii", entity="payment_card", score=1.0, span=(0, 4), path="/0", detector="patterns@1")
    reads.decided.append(
        decision(
            tenant="north",
            action="allow",
            verdict="block",
            mode="shadow",
            state="interrupted",
            near_miss=True,
            findings=(finding, finding),
            coverage=(looked("ran"), looked("skipped"), looked("errored"), looked("timed_out")),
        )
    )
    (line,) = viewer.get("/decisions.json").json()["lines"]
    assert (line["hazards"], line["ran"], line["skipped"], line["failed"]) == (["payment_card"], 1, 1, 2)
    page = viewer.get("/decisions").text
    for words in ("shadow: block", "interrupted", "near miss", "payment card", "2 failed", "1 skipped"):
        assert words in page


def test_pages_of_decisions_lose_none_where_times_are_alike(viewer: Browser, reads: MemoryReads) -> None:
    times = [1_000_000 + number // 30 for number in range(3 * ROWS)]
    reads.decided[:] = [decision(id=f"d_{number}", tenant="north", at_us=at_us) for number, at_us in enumerate(times)]
    seen: list[str] = []
    address = "/decisions?refresh=on"
    while address:
        page = viewer.get(address).text
        seen += [line["decision"]["id"] for line in viewer.get(address.replace("/decisions", "/decisions.json")).json()["lines"]]
        assert ("http-equiv" in page) == ("refresh=on" in address)
        links = [link["href"] for link in Tags(page).named("a")]
        older = [link for link in links if "until=" in link and ".json" not in link]
        address = older[0] if older else ""
    assert sorted(seen) == sorted(each.id for each in reads.decided)


def test_a_filter_is_kept_by_every_link_of_the_page(viewer: Browser, reads: MemoryReads) -> None:
    reads.decided[:] = [decision(id=f"d_{number}", tenant="north", at_us=number) for number in range(ROWS + 1)]
    links = [link["href"] for link in Tags(viewer.get("/decisions?stage=output&rule=a%26b&system=s").text).named("a")]
    kept = [link for link in links if "until=" in link or "refresh=on" in link]
    assert len(kept) == 2
    for link in kept:
        viewer.get(link)
        assert (reads.wanted[-1].stage, reads.wanted[-1].rule, reads.wanted[-1].system) == ("output", "a&b", "s")


def test_an_incident_names_people_levers_and_what_each_worker_did(viewer: Browser, reads: MemoryReads) -> None:
    lever = Lever(id="lev_1", kind="tool", target="send_email", tenant="north", by="acc_1", reason="stop it", at_us=1)
    probes = (ProbeResult(worker="worker-0", effective=True), ProbeResult(worker="worker-1", effective=False, problem="it answered"))
    tried = Event(
        incident="inc_1",
        tenant="north",
        kind="containment_failed",
        at_us=2,
        actor="acc_1",
        text="1 of 2",
        containment=Containment(lever=lever, probes=probes, at_us=2),
    )
    reads.files["inc_1"] = incident_file(tried, levers=(lever,), status="open", contained_us=0)
    reads.people.update({"acc_1": "kim", "acc_2": "nobody-here"})
    shown = viewer.get("/incidents/inc_1.json").json()
    assert (shown["logins"], shown["overdue"]) == ({"acc_1": "kim"}, True)
    page = viewer.get("/incidents/inc_1").text
    for words in ("not proven", "does not obey", "refused by the lever", "it answered", "kim", "overdue", "not contained"):
        assert words in page, words
    assert "fairlead incident contain" not in page


def test_an_open_incident_without_a_lever_says_how_to_pull_one_and_a_closed_one_does_not(viewer: Browser, reads: MemoryReads) -> None:
    command = "fairlead incident contain inc_1 --tenant north --tool send_email"
    reads.files["inc_1"] = incident_file(status="open")
    assert command in viewer.get("/incidents/inc_1").text
    reads.files["inc_1"] = incident_file(status="closed")
    assert command not in viewer.get("/incidents/inc_1").text


@pytest.mark.parametrize(
    ("k", "n", "p0", "tone"),
    [(0, 400, 0.02, "good"), (90, 100, 0.1, "bad"), (1, 10, 0.2, "open"), (0, 1, 0.5, "open")],
)
def test_a_rate_is_drawn_with_its_interval_and_its_claim(viewer: Browser, reads: MemoryReads, k: int, n: int, p0: float, tone: str) -> None:
    claim = Claim(id="c", metric="attack_success", direction="at_most", p0=p0)
    run = run_record("run_1", policy="", unsafe=[True], blocked=[], at_us=1)
    judged = judge(claim, Sample.independent_counts(k, n))
    gate = gate_record(run, answer="FAIL", reasons=[f"claim c: {judged.reason}", "more"], at_us=1)
    gate = msgspec.structs.replace(gate, judgements=(judged,))
    reads.measured["run_1"] = RunFile(run=run, gates=(gate,))
    (shown,) = viewer.get("/runs/run_1.json").json()["gates"]
    drawn = shown["claims"][0]["bar"]
    assert drawn["tone"] == tone
    assert 0 <= drawn["low"] <= drawn["value"] <= drawn["low"] + drawn["width"] <= 242
    assert shown["more"] == ["more"]
    page = viewer.get("/runs/run_1").text
    assert judged.estimate is not None
    assert f"{judged.estimate.text()}; claimed: at most {p0:.1%}" in page
    assert page.count(judged.reason) == 1


def test_tampered_evidence_is_shouted(viewer: Browser, reads: MemoryReads) -> None:
    problem = Problem(kind="record-changed", where="records/run/run_1.json", what="its hash is another")
    report = Report(answer="tampered", origin="o", size=1, root="r", problems=(problem,), entries=(), records=0, pins=0)
    reads.book = EvidenceFile(entries=(), checkpoint=Checkpoint(origin="o", size=1, root="r", at_us=1), report=report)
    page = viewer.get("/evidence").text
    for words in ("tampered", "1 problem found", "record-changed", "records/run/run_1.json", "its hash is another"):
        assert words in page
    assert "verified just now" not in page


def test_a_decision_of_every_shape_has_a_page(viewer: Browser, reads: MemoryReads) -> None:
    for action in ("allow", "flag", "redact", "replace", "route", "require_approval", "block"):
        reads.decided.append(decision(tenant="north", action=action))
    assert all(isinstance(each, Decision) for each in reads.decided)
    assert viewer.get("/decisions").status_code == 200
