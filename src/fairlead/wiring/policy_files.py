"""The files that make a Release: the policy, and Cedar beside it."""

from pathlib import Path

import msgspec

from fairlead.core import InvalidInput
from fairlead.detectors import Registry
from fairlead.policy import Release, compile_release, load_policy


class PolicyFiles(msgspec.Struct, frozen=True):
    """The files that make a Release."""

    policy: Path

    @property
    def cedar(self) -> Path:
        """Return the optional Cedar file beside the policy."""
        return self.policy.with_name("tools.cedar")

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Return what changes when a file does."""
        stamps = []
        for path in (self.policy, self.cedar):
            try:
                status = path.stat()
            except OSError:
                stamps.append((0, 0))
            else:
                stamps.append((status.st_mtime_ns, status.st_size))
        return tuple(stamps)

    def copy_to(self, policy: Path) -> None:
        """Keep a copy of the files, the policy under this name.

        Raises:
            InvalidInput: A file can't be read.
        """
        copy = PolicyFiles(policy)
        policy.parent.mkdir(parents=True, exist_ok=True)
        if self.cedar.exists():
            copy.cedar.write_text(read_policy_text(self.cedar), encoding="utf-8")
        policy.write_text(read_policy_text(self.policy), encoding="utf-8")

    def compile(self, registry: Registry) -> Release:
        """Read and compile.

        Raises:
            InvalidInput: A file is missing, not UTF-8, or invalid; all problems at once.
        """
        policy = load_policy(str(self.policy), read_policy_text(self.policy))
        return compile_release(policy, registry, cedar=read_policy_text(self.cedar) if self.cedar.exists() else "")


def read_policy_text(path: Path) -> str:
    """Read a policy file.

    Raises:
        InvalidInput: It is missing, or no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidInput("there is no such file", where=path.name, mend="name the policy file, usually fairlead.yaml") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("the file can't be read as UTF-8 text", where=path.name, mend="check its permissions and encoding") from error
