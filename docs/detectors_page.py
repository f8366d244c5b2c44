"""Write the pages of the detectors and of the deep model from the cards that are shipped: ``python docs/detectors_page.py``."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from fairlead.detectors import Card, Measurement, Rate, Registry, read_card
from fairlead.detectors.remote import DeepCard, DeepHead
from fairlead.statistics import clopper_pearson

PAGE = Path(__file__).resolve().parent / "reference" / "detectors.md"
DEEP_PAGE = PAGE.with_name("deep-model.md")
DEEP_CARD = PAGE.parents[2] / "packages/fairlead-models/src/fairlead_models/card.json"
CARDED = ("grounding@1", "harm@1", "injection@1", "injection-rules@2")
HARD = ("awesome prompts", "certified safe prompts", "gpteacher role-play")
CHANNELS = {"asked": "what a user or a model says", "data": "documents, tool results, memory, other agents"}
HEAD = """\
# Detectors

A detector reads a text and says what it sees, where, and with which score. A [policy](policy.md) says what follows.
`fairlead detect "some text" --origin retrieved --explain` shows what all of them see.

| detector | finds | how |
|---|---|---|
| patterns | personal data and secrets, the [entities](entities.md) | expressions with checksums, exact in streams |
| `injection-rules` | `prompt_injection`, `jailbreak`, `prompt_leak` | phrases, scored by who wrote them |
| `injection` | `prompt_injection`, `jailbreak` | a trained head |
| `harm` | `harmful_request` | a trained head |
| `grounding` | `ungrounded` | an answer beside its sources ([how to](../how-to/check-grounding.md)) |

Every detector reads the text as it came and as it decodes: look-alike letters, invisible tags, Base64, hex, URL and HTML escapes,
rot13, reversed.

## Heads

A head is a logistic regression on hashed n-grams, half a megabyte, trained by `make train` from public data with known licences. It has
weights of its own for what is *asked* and for *data*, because an imperative in a document is an attack and in a request is none. What is
asked is scored as a whole unless it is very long, data by windows of a few sentences; the highest is the Hit's span.
What the application itself wrote is not scored. The name in a Finding, such as
`injection@1.0a1b2c3d`, ends in the digest of the weights; a policy names it `injection`.

A rule with `max_fpr` takes its threshold from the head's card. Each step promises that the one-sided 95% upper bound
(Clopper and Pearson) of the share of benign texts that fire, measured on a pool that was kept apart from training, is at most that rate.
The pools are frozen by digest (`training/pools.json`) before anything is trained, and training stops when they differ.
A rate that the pool can't carry is refused: [`no-operating-point`](errors/no-operating-point.md). Files that are missing or changed stop
the start: [`model-damaged`](errors/model-damaged.md).

**What to expect of other texts.** The pool holds texts of the same sources as the training. For texts of another kind quote these two:
*left out* is what a head does on a source when it was made without it and without near-duplicates of its texts; *outside* is what the
shipped head does on sets that nothing was trained on, among them three that look like attacks and are none: `awesome prompts` (some of
which are jailbreaks in fact; all count as false positives here), `certified safe prompts` and the role-play of `gpteacher`. *A fifth held
out* is for texts of the same kind: clusters of near-duplicates that the head was made without. Recall in data is of attacks that stand
inside a benign document. Intervals are exact, 95%, two-sided; those of pooled rates take texts as independent.
English first; polite or new wordings are missed, and what stops an action is the policy on tools, not a head.
"""

DEEP_HEAD = """\
# Deep model

What the card of `fairlead-models` {version} says. [Add the deep model](../how-to/add-the-deep-model.md) says how to use it.

Base: {base}. {method}

**Limits.** {limits}

Three tables stand for each head and channel: the deep model alone; the fast head on the same texts, made without the same sources, at
thresholds set without them; and one after the other: the fast head at `max_fpr` {zone:.0%}, and what it doubts by the deep model at the
rate of the column. Rates are of texts; intervals are exact, 95%, two-sided; those of pooled rates take texts as independent.
"""


def page() -> str:
    """Return the page of the detectors."""
    loaded = {name.partition("@")[0] for name in Registry.load().ids()}
    cards = {head.partition("@")[0]: read_card(head) for head in CARDED}
    parts = [HEAD]
    for name, card in cards.items():
        parts.append("\n".join([*_section(name, card, loaded=name in loaded)]))
    parts.append("\n".join(_sources(list(cards.values()))))
    return "\n".join(parts)


def _section(name: str, card: Card, *, loaded: bool) -> Iterator[str]:
    yield f"## `{name}`\n"
    if not loaded:
        yield "**Not switched on yet:** shipped and measured, but no entry point registers it, so no policy can name it.\n"
    yield f"{card.method}\n\n**Limits.** {card.limits}\n"
    yield from _points(card)
    for channel, about in CHANNELS.items():
        for title, measured in (("Left out", card.left_out), ("A fifth held out", card.grouped), ("Outside", card.outside)):
            chosen = [entry for entry in measured if entry.channel == channel]
            yield from _table(f"### {title}, {channel}: {about}", [*_pooled(title, chosen), *chosen])


def deep_page() -> str:
    """Return the page of the deep model."""
    card = msgspec.json.decode(DEEP_CARD.read_bytes(), type=DeepCard)
    about = next(iter(card.heads.values()))
    parts = [
        DEEP_HEAD.format(version=card.version, base=card.base, method=about.card.method, limits=about.card.limits, zone=about.zone),
        *("\n".join(_deep_section(name, head)) for name, head in card.heads.items()),
        "\n".join(_sources([head.card for head in card.heads.values()])),
    ]
    return "\n".join(parts)


def _deep_section(name: str, head: DeepHead) -> Iterator[str]:
    yield f"## {name}: {', '.join(f'`{hazard}`' for hazard in head.hazards)}\n"
    yield from _points(head.card)
    left_out = {entry.source for entry in head.card.left_out}
    for channel, about in CHANNELS.items():
        for title in ("Left out", "Outside"):
            for how, measured in (
                ("alone", (*head.card.left_out, *head.card.outside)),
                (f"the fast head, `{head.fast}`", head.beside),
                ("one after the other", head.cascade),
            ):
                chosen = [entry for entry in measured if entry.channel == channel and (entry.source in left_out) == (title == "Left out")]
                yield from _table(f"### {title}, {channel}: {about}; {how}", [*_pooled(title, chosen), *chosen])


def _points(card: Card) -> Iterator[str]:
    if card.points:
        yield "| channel | `max_fpr` | score | fired of the pool |\n|---|---|---|---|"
        yield from (f"| {at.channel} | {at.max_fpr:.2%} | {at.threshold:g} | {_share(at.fpr)} |" for at in card.points)
        yield ""


def _pooled(title: str, measured: list[Measurement]) -> Iterator[Measurement]:
    """Yield the rates over all sources of attacks that were left out, and over all benign ones that look like attacks."""
    for label, kind, names in (("all attacks together", "recall", ()), ("look-alikes together", "fpr", HARD)):
        if (title == "Outside") == (kind == "recall"):
            continue
        chosen = [entry for entry in measured if entry.kind == kind and (not names or entry.source in names)]
        for at in dict.fromkeys((entry.max_fpr, entry.threshold) for entry in chosen):
            rates = [entry.rate for entry in chosen if (entry.max_fpr, entry.threshold) == at]
            if len(rates) > 1:
                k, n = sum(rate.k for rate in rates), sum(rate.n for rate in rates)
                interval = clopper_pearson(k, n)
                pooled = Rate(k=k, n=n, value=k / n, low=interval.low, high=interval.high)
                yield msgspec.structs.replace(chosen[0], source=label, max_fpr=at[0], threshold=at[1], rate=pooled)


def _table(title: str, measured: list[Measurement]) -> Iterator[str]:
    if not measured:
        return
    columns = list(dict.fromkeys(_point(entry) for entry in measured))
    yield f"{title}\n\n| what | source | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}"
    rates = {(entry.kind, entry.source, _point(entry)): entry.rate for entry in measured}
    for kind, source in dict.fromkeys((entry.kind, entry.source) for entry in measured):
        what = "recall" if kind == "recall" else "false positives"
        yield f"| {what} | {source} | {' | '.join(_share(rates[kind, source, column]) for column in columns)} |"
    yield ""


def _point(entry: Measurement) -> str:
    return f"at `max_fpr` {entry.max_fpr:.1%}" if entry.max_fpr else f"from score {entry.threshold:g}"


def _share(rate: Rate) -> str:
    return f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%}), n {rate.n}"


def _sources(cards: list[Card]) -> Iterator[str]:
    yield "## Data\n\nThe digests of the files stand in the cards, beside the weights in the package.\n"
    yield "| set | repository | licence | use |\n|---|---|---|---|"
    uses = {(entry.name, entry.use): entry for card in cards for entry in card.sources}
    for (name, use), entry in sorted(uses.items()):
        if use == "training" or (name, "training") not in uses:
            yield f"| {name} | {entry.repository} | {entry.licence} | {use} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    DEEP_PAGE.write_text(deep_page(), encoding="utf-8")
