"""The shipped default policy: rules that any System can start from."""

from importlib.resources import files

DEFAULT_FILE = "default.yaml"


def default_policy() -> tuple[str, str]:
    """Return the name and the text of the shipped default policy, for :func:`fairlead.policy.load_policy`."""
    return DEFAULT_FILE, (files("fairlead.policy") / "data" / DEFAULT_FILE).read_text(encoding="utf-8")
