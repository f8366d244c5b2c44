"""Reading a policy and the files beside it, for every command that takes one."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
