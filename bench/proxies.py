"""Who is measured: the gateway as it is shipped, the bare proxy, and LiteLLM in an environment of its own."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from processes import KEY, Server, clean_environment, free_port, served, served_app

from fairlead.identity import ApiKey, publish_keys
from fairlead.policy import default_policy

LITELLM_VERSION = "1.106.2"
LITELLM = f"litellm[proxy] {LITELLM_VERSION}"
UNGUARDED = f"{LITELLM}, no guardrails"
MODELS = ("bench", "chunks-8", "chunks-264", "chunks-8-5", "chunks-72-5")


def policy_for(upstream: str) -> str:
    """Return the shipped default policy with nothing but the upstream's address put in."""
    _, text = default_policy()
    plain = "default: {provider: openai, key: env:OPENAI_API_KEY}"
    assert text.count(plain) == 1, "the default policy's upstream is written differently now"
    return text.replace(plain, f'default: {{provider: openai, key: env:OPENAI_API_KEY, base_url: "{upstream}/v1"}}')


@contextlib.contextmanager
def fairlead(upstream: str) -> Iterator[Server]:
    """Run the gateway: one worker, shipped default policy, strict audit, telemetry as it is by default."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "fairlead.yaml").write_text(policy_for(upstream), encoding="utf-8")
        key, token = ApiKey.issue(tenant="bench", name="bench", scopes=("chat",))
        (home / "data").mkdir()
        publish_keys(home / "data" / "keys.json", (key,))
        port = free_port()
        command = [sys.executable, "-m", "fairlead", "gateway", "--policy", "fairlead.yaml", "--port", str(port)]
        environment = clean_environment(home, FAIRLEAD_DATA=str(home / "data"), FAIRLEAD_CONFIG=str(home / "config"))
        with served(command, port, ready="/readyz", environment=environment, token=token, cwd=home) as server:
            yield server


@contextlib.contextmanager
def bare(upstream: str) -> Iterator[Server]:
    """Run the proxy that only passes bytes on."""
    with served_app("bare:app", UPSTREAM=upstream) as server:
        yield server


@contextlib.contextmanager
def litellm(upstream: str, cache: Path) -> Iterator[Server]:
    """Run LiteLLM's proxy: one worker, production mode, errors logged only, no database, no callbacks, no telemetry."""
    program = litellm_environment(cache) / "bin" / "litellm"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        lines = ["model_list:"]
        for model in MODELS:
            lines += [f"  - model_name: {model}", "    litellm_params:"]
            lines += [f"      model: openai/{model}", f"      api_base: {upstream}/v1", f"      api_key: {KEY}"]
        lines += ["litellm_settings: {telemetry: false, num_retries: 0}", f"general_settings: {{master_key: {KEY}}}"]
        (home / "config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        port = free_port()
        quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "DO_NOT_TRACK": "1"}
        command = [str(program), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        environment = clean_environment(home, **quiet)
        with served(command, port, ready="/health/liveliness", environment=environment, cwd=home) as server:
            yield server


def litellm_environment(cache: Path) -> Path:
    """Return LiteLLM's own environment, made the first time."""
    return environment(cache / f"litellm-{LITELLM_VERSION}", f"litellm[proxy]=={LITELLM_VERSION}")


def environment(folder: Path, *requirements: str) -> Path:
    """Make a virtual environment with packages in it, once; an attempt that failed is made anew."""
    done = folder / ".installed"
    if not done.exists():
        print(f"installing {' '.join(requirements)} into {folder} (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq", "install"]
        subprocess.run([*pip, *requirements], check=True)
        done.touch()
    return folder
