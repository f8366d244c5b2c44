"""What every test starts from: no network but loopback, an environment without settings, a home of its own.

The sockets are closed by ``--allow-hosts`` in ``pyproject.toml``; servers that a test starts as processes are not touched by it.
"""

import os
import shutil
import tempfile
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)

_HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Clean the environment before a test module is imported."""
    environment = os.environ  # noqa: TID251 - tests must not see the settings of the person who runs them
    settings.load_profile("ci" if environment.get("CI") == "true" else "dev")
    for name in [name for name in environment if name.startswith(("FAIRLEAD_", "OPENAI_"))]:
        del environment[name]
    config.stash[_HOME] = environment["HOME"] = tempfile.mkdtemp(prefix="fairlead-home-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the home again."""
    shutil.rmtree(config.stash.get(_HOME, ""), ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test that needs a server into a failure where everything must be here."""
    report = yield
    if report.skipped and item.get_closest_marker("server") and os.environ.get("CI") == "true":  # noqa: TID251 - only the CI's environment tells
        report.outcome = "failed"
    return report
