"""The logging filter: a record is redacted whole, or withheld whole."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from gateway_bench import POLICY
from gateway_door import Door
from hypothesis import given
from hypothesis import strategies as st

from fairlead import Guard
from fairlead.detectors import Registry
from fairlead.guard import NothingToRedact
from fairlead.sdk import RedactingFilter
from fairlead.sdk.logs import WITHHELD
from fairlead.testing.guards import FailingDetector

CARD, SECRET, MAIL = "4111 1111 1111 1111", "AKIA" + "IOSFODNN7EXAMPLQ", "bob@example.org"


class Log:
    """A logger whose handler redacts, and what it wrote."""

    def __init__(self, guard: Guard) -> None:
        self.out = io.StringIO()
        self.filter = RedactingFilter(guard)
        self.handler = logging.StreamHandler(self.out)
        self.handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        self.handler.addFilter(self.filter)
        self.logger = logging.getLogger(f"tests.{id(self)}")
        self.logger.setLevel(logging.DEBUG)
        self.logger.propagate = False
        self.logger.addHandler(self.handler)

    def wrote(self) -> str:
        """What was written since the last call."""
        text = self.out.getvalue()
        self.out.seek(0)
        self.out.truncate()
        return text


def opened(stack: ExitStack, folder: Path, policy: str = POLICY) -> Guard:
    door = Door(stack, folder)
    door.policy_file.write_text(policy.replace("UPSTREAM", "http://127.0.0.1:9").replace("audit: strict", "audit: relaxed"))
    return stack.enter_context(Guard.load(door.policy_file, settings=door.settings))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with ExitStack() as stack:
        yield Log(opened(stack, tmp_path_factory.mktemp("log")))


def test_a_message_and_its_arguments_are_redacted(log: Log) -> None:
    log.logger.info("user %s paid with %s", MAIL, CARD)
    log.logger.warning("%(key)s is the key", {"key": SECRET})
    log.logger.debug("split card %s %s", CARD[:9], CARD[10:])
    log.logger.error("nothing of note: %d", 7)
    assert log.wrote().splitlines() == [
        "INFO user [EMAIL] paid with [PAYMENT_CARD]",
        "WARNING [AWS_ACCESS_KEY] is the key",
        "DEBUG split card [PAYMENT_CARD]",
        "ERROR nothing of note: 7",
    ]


def test_an_exception_and_its_causes_are_redacted(log: Log) -> None:
    def fail() -> None:
        try:
            {}[SECRET]
        except KeyError as error:
            raise ValueError(f"no such user: {MAIL}") from error

    try:
        fail()
    except ValueError:
        log.logger.exception("failed for %s", CARD, stack_info=True)
    text = log.wrote()
    assert "ValueError: no such user: [EMAIL]" in text
    assert "Traceback (most recent call last)" in text
    assert "Stack (most recent call last)" in text
    assert not any(word in text for word in (MAIL, CARD, SECRET))


def test_nothing_of_it_is_left_on_the_record(log: Log) -> None:
    extra = {"user": MAIL, "body": {"cards": [CARD], MAIL: 4111111111111111}, "error": ValueError(MAIL)}
    record = log.logger.makeRecord("app", logging.INFO, __file__, 1, "from %s", (MAIL,), None, extra=extra)
    record.message = record.getMessage()
    assert log.filter.filter(record)
    assert (record.getMessage(), record.args, record.levelname, record.lineno) == ("from [EMAIL]", None, "INFO", 1)
    assert record.__dict__["body"] == {"cards": ["[PAYMENT_CARD]"], "[EMAIL]": "[PAYMENT_CARD]"}
    assert record.__dict__["error"] == "[EMAIL]"
    held = json.dumps(record.__dict__, default=str)
    assert not any(word in held for word in (MAIL, CARD, "4111111111111111"))


class Unreadable:
    def __str__(self) -> str:
        raise RuntimeError(MAIL)


@pytest.mark.parametrize(
    "tell",
    [
        lambda logger: logger.info(*("two %s %s", MAIL)),
        lambda logger: logger.info("%d", MAIL),
        lambda logger: logger.info("%s", Unreadable()),
        lambda logger: logger.info("said", extra={"user": MAIL, "what": Unreadable()}),
    ],
)
def test_a_record_that_can_not_be_read_is_withheld(log: Log, tell: Callable[[logging.Logger], None]) -> None:
    tell(log.logger)
    assert log.wrote() == f"INFO {WITHHELD}\n"


@pytest.mark.parametrize("tier", ["high", "minimal"])
def test_a_guard_that_fails_withholds_the_record_under_any_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tier: str) -> None:
    detector = FailingDetector()
    monkeypatch.setattr(Registry, "load", lambda: Registry([detector]))
    rule = "  - {id: i, at: output, hazard: prompt_injection, threshold: 0.5, do: block}\n"
    with ExitStack() as stack:
        guard = opened(stack, tmp_path, POLICY.replace("rules:\n", f"rules:\n{rule}").replace("tier: high", f"tier: {tier}"))
        with monkeypatch.context() as patched:
            patched.setattr(detector, "detect", lambda *_: [])
            log = Log(guard)
            log.logger.info("to %s", MAIL)
            assert log.wrote() == "INFO to [EMAIL]\n"
        record = log.logger.makeRecord("app", logging.INFO, __file__, 1, "to %s", (MAIL,), None, extra={"user": MAIL})
        log.filter.filter(record)
    assert record.getMessage() == WITHHELD
    assert MAIL not in json.dumps(record.__dict__, default=str)


def test_a_closed_guard_withholds(tmp_path: Path) -> None:
    with ExitStack() as stack:
        log = Log(opened(stack, tmp_path))
    log.logger.info("to %s", MAIL)
    assert log.wrote() == f"INFO {WITHHELD}\n"


def test_a_record_that_the_guard_itself_writes_does_not_come_round(log: Log) -> None:
    class Loud:
        def __str__(self) -> str:
            log.logger.info("inner %s", MAIL)
            return "outer"

    log.logger.info("%s", Loud())
    assert log.wrote() == f"INFO {WITHHELD}\nINFO outer\n"


def test_a_filter_under_a_policy_that_redacts_nothing_is_refused(tmp_path: Path) -> None:
    with ExitStack() as stack, pytest.raises(NothingToRedact):
        RedactingFilter(opened(stack, tmp_path), "memory")


@given(st.lists(st.sampled_from(["user ", MAIL, CARD, SECRET, "%", "é\n", "{}", "[EMAIL]"]), max_size=6).map(" ".join))
def test_no_record_tells_what_must_not_leave(log: Log, text: str) -> None:
    log.logger.info("%s", text)
    log.logger.info(text)
    wrote = log.wrote()
    assert wrote.count("INFO ") == 2
    assert not any(word in wrote for word in (MAIL, CARD, SECRET))
