"""What an adapter needs of a Trajectory that is guarded in process, and what a model is told of a stopped call."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from fairlead.core import Refused, UsageError


class Agent(Protocol):
    """One agent at work: ``fairlead.sdk.GuardedTrajectory``. Failure posture: an exception, and the tool is not called."""

    def call(self, tool: str, arguments: Mapping[str, Any], function: Callable[..., Any]) -> Any:  # noqa: ANN401 - what the tool returns
        """Call a tool if the broker allows it, and guard what it returns."""
        ...

    async def acall(self, tool: str, arguments: Mapping[str, Any], function: Callable[..., Any]) -> Any:  # noqa: ANN401 - as call
        """Like :meth:`call`, on an event loop."""
        ...

    def retrieved(self, documents: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - fairlead.sdk.Retrieved, a door above this room
        """Return which retrieved documents may be used."""
        ...

    async def aretrieved(self, documents: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - as retrieved
        """Like :meth:`retrieved`, on an event loop."""
        ...


def needed(module: str, extra: str) -> Any:  # noqa: ANN401 - a module of the framework
    """Import a framework's module.

    Args:
        module: Its name.
        extra: The extra of Fairlead that installs it.

    Raises:
        UsageError: It is not installed; the mend is the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError("the framework is not installed", where=module, mend=f"pip install 'fairlead[{extra}]'") from error


def said(stopped: Refused) -> str:
    """Return what a model is told of a call that was not made, or of a result that it may not see.

    Args:
        stopped: What the Trajectory raised.
    """
    return getattr(stopped, "say", "") or "This was stopped by the policy."


def passage(text: str, metadata: Mapping[str, Any], item: object) -> dict[str, Any]:
    """Return a framework's document as the guard takes it: what of its metadata has another kind is not known.

    Args:
        text: Its text.
        metadata: What the index says of it.
        item: The framework's own object.
    """
    readers = metadata.get("readers")
    listed = (readers,) if isinstance(readers, str) else readers
    names = ("source", "tenant", "updated_at")
    return {
        "text": text,
        **{name: value for name in names if isinstance(value := metadata.get(name), str)},
        "readers": tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list | tuple) else (),
        "item": item,
    }
