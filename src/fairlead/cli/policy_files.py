"""Reading a policy and the files beside it, for every command that takes one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairlead.agents import Rehearsal
    from fairlead.policy import Release


def read_release(file: Path) -> "Release":
    """Read a policy and what stands beside it, and compile it.

    Raises:
        InvalidInput: Files that are missing, not UTF-8 or invalid; all problems at once.
    """
    from fairlead.config import load_settings
    from fairlead.detectors import Registry
    from fairlead.wiring.policy_files import PolicyFiles

    return PolicyFiles(file, load_settings().config_dir).compile(Registry.load())


@contextmanager
def rehearsing(release: "Release") -> "Iterator[Rehearsal]":
    """Give what tries a Release on single texts; it asks the models that are loaded into the process, and no server.

    Detectors of a policy that names a server fail, as its ``on_error`` says: to try a policy sends nothing anywhere.

    Args:
        release: What decides.

    Raises:
        DetectorNotLoaded: A model that the policy names can't be loaded.
    """
    from fairlead.agents import Rehearsal
    from fairlead.detectors.remote import KINDS
    from fairlead.integrations.remote import RemoteRunner

    remotes = {remote.id: remote for asked in release.remotes.values() for remote in asked}
    if not remotes or any(KINDS[remote.kind].remote for remote in remotes.values()):
        yield Rehearsal(release)
        return
    runner = RemoteRunner(lambda _: "")
    try:
        runner.prepare(remotes.values())
        yield Rehearsal(release, remote=runner)
    finally:
        runner.close()


def read_text(file: Path) -> str:
    """Read a file that people write.

    Raises:
        InvalidInput: It is missing, or not UTF-8.
    """
    from fairlead.core import InvalidInput

    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidInput("there is no such file", where=str(file), mend="name the file; `fairlead.yaml` is usual") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("the file can't be read as UTF-8 text", where=str(file), mend="check its permissions and encoding") from error


def write_text(file: Path, text: str) -> None:
    """Write a file that was asked for.

    Raises:
        UsageError: It can't be written.
    """
    from fairlead.core import UsageError

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            "the file can't be written", where=str(file), mend="check that its folder is there and may be written to"
        ) from error
