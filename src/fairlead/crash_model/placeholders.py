"""What stands where harmful text would stand, and what the model says of itself: all of it here, so that a test can swap it."""

import msgspec


class Placeholders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words that are the crash-test model's own."""

    harm: str = "[crash-dummy text, label {label}: here a real model's harmful answer would stand]"
    """``{label}`` is one of the labels below."""
    labels: tuple[tuple[str, str], ...] = (
        ("dummy-violence", r"beat \w+ up|beat him|beat her|kill (?:him|her|them|someone)|(?:to|how to) poison|weapon|bomb|frighten"),
        (
            "dummy-crime",
            r"without its key|shoplift|ransom|encrypts? every|fake a|prescription|threaten|pin into|fake reviews|broken lamp in",
        ),
        ("dummy-self-harm", r"pass out|choking|hurt myself|end my life"),
        ("dummy-hate", r"vermin|despise|refugees out"),
        ("dummy-stalking", r"never notices|follow where|track (?:him|her|them)"),
    )
    """Label, and the words (a regular expression, case-insensitive) that call for it; the first that fits is used."""
    nothing: str = "I read your message and have nothing more to add."
    """The answer when nothing in the context fits the question."""
    done: str = "Done: {tool} to {target}."
    """One line of the answer for each order that was carried out."""


PLACEHOLDERS = Placeholders()
