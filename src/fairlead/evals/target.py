"""Loading a target from a Python file: ``examples/support_assistant/target.py:SupportTarget``.

The file is code that the person who names it wants to be run, like a test file; nothing is loaded that was not named.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import cast

from fairlead.core import digest, digest_bytes
from fairlead.evals.errors import TargetNotLoaded
from fairlead.evals.model import Target

TargetFactory = Callable[..., Target]


def load_target(spec: str) -> TargetFactory:
    """Load the class or function that makes a target.

    Args:
        spec: ``path/to/file.py:Name``. The file's folder can be imported from while it is loaded and run.

    Raises:
        TargetNotLoaded: The file, the name in it, or something that it imports is not there.
    """
    path, name = _split(spec)
    module = _module(path, spec)
    made = getattr(module, name, None)
    if not callable(made):
        raise TargetNotLoaded(f"there is no class or function '{name}' in the file", where=spec, mend="name one that the file defines")
    return cast("TargetFactory", made)


def target_digest(spec: str) -> str:
    """Return the digest of all Python files in the target's folder: its code and its prompts are part of what is measured."""
    path, _ = _split(spec)
    files = sorted(path.parent.glob("*.py"))
    return digest({file.name: digest_bytes(file.read_bytes()) for file in files})


def make_target(factory: TargetFactory, spec: str, **arguments: object) -> Target:
    """Make a target with those arguments that its factory takes.

    Args:
        factory: From :func:`load_target`.
        spec: For the error message.
        arguments: ``base_url``, ``api_key``, ``model``, ``guarded``; what the factory doesn't know is not given.

    Raises:
        TargetNotLoaded: It needs something that is not among them, or makes no target.
    """
    parameters = inspect.signature(factory).parameters.values()
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    known = {parameter.name for parameter in parameters}
    needed = [
        p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name not in arguments
    ]
    if needed:
        raise TargetNotLoaded(
            f"the target needs {', '.join(needed)}", where=spec, mend="give it a default, or take base_url, api_key, model, guarded"
        )
    target = factory(**{name: value for name, value in arguments.items() if takes_all or name in known})
    if not callable(getattr(target, "run", None)) or not isinstance(getattr(target, "name", None), str):
        raise TargetNotLoaded(
            "it makes no target: a target has a `name` and a method `run(case)`",
            where=spec,
            mend="see docs/reference/suites.md",
        )
    return target


def _split(spec: str) -> tuple[Path, str]:
    file, _, name = spec.rpartition(":")
    if not file or not name.isidentifier():
        raise TargetNotLoaded("a target is named as file.py:Class", where=spec, mend="such as examples/assistant/target.py:Target")
    path = Path(file).absolute()
    if not path.is_file():
        raise TargetNotLoaded("there is no such file", where=spec, mend="check the path")
    return path, name


def _module(path: Path, spec: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(path.stem, path)
    if found is None or found.loader is None:
        raise TargetNotLoaded("this is no Python file", where=spec, mend="name a file that ends in .py")
    module = importlib.util.module_from_spec(found)
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sys.modules[path.stem] = module
    try:
        found.loader.exec_module(module)
    except ImportError as error:
        missing = f"it imports '{error.name}', which is not installed" if error.name else "something that it imports can't be imported"
        raise TargetNotLoaded(missing, where=spec, mend="install it, such as with the extra `demo`") from error
    return module
