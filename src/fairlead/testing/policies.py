"""A registry with known operating points, and a small policy that uses everything."""

from collections.abc import Mapping, Sequence

from fairlead.core import Origin
from fairlead.detectors import Hit, NoOperatingPoint, Registry, Runs, Text
from fairlead.policy import Release, compile_release, load_policy

SMALL_POLICY = """\
fairlead: 1
system: support-assistant
owner: support-platform
tier: high
upstream: {default: {provider: openai, key: env:OPENAI_API_KEY}}
rules:
  - {id: no-injection, at: [retrieval, tool_result], hazard: prompt_injection, max_fpr: 0.5%, do: block}
  - {id: no-cards-out, at: output, entity: payment_card, do: redact}
  - {id: no-secrets, at: [input, output], entity: secret, do: block, say: refusal.secret}
tools:
  - {tool: search_docs, allow: true}
  - {tool: send_email, when: {to: {domain_in: [example.com]}, provenance: {to: [user]}}, else: require_approval}
limits: {requests_per_minute: 600, tokens_per_day: 2_000_000}
"""


class WordDetector:
    """Finds words, each with a score of its own.

    Args:
        detector_id: ``name@version``.
        hazard: What the words mean.
        words: Word to score.
    """

    runs: Runs = "whole"

    def __init__(self, detector_id: str, hazard: str, words: Mapping[str, float]) -> None:
        self.id = detector_id
        self.hazards: tuple[str, ...] = (hazard,)
        self._words = dict(words)

    def detect(self, text: Text, origin: Origin) -> Sequence[Hit]:  # noqa: ARG002 - a word is one wherever it stands
        """Return one Hit per word that the text holds."""
        found = ((text.original.find(word), word, score) for word, score in self._words.items())
        return [Hit(start, start + len(word), self.hazards[0], "", score) for start, word, score in found if start >= 0]


class MeasuredRegistry(Registry):
    """A registry that promises a rate r at the threshold 1 - r, down to the lowest rate that a detector's card carries.

    Args:
        lowest: Detector to the lowest false-positive rate of its card; a detector that is not in it has no card.
    """

    def __init__(self, detectors: Sequence[WordDetector], lowest: Mapping[str, float]) -> None:
        super().__init__(detectors)
        self._lowest = dict(lowest)

    def threshold(self, detector: str, max_fpr: float) -> float:
        """Return the threshold at which a detector keeps to a rate.

        Raises:
            NoOperatingPoint: Its card does not carry the rate.
        """
        if max_fpr < self._lowest.get(detector, 1.0):
            raise NoOperatingPoint(f"{detector} was never measured at {max_fpr:g}", mend="ask for a higher rate")
        return 1.0 - max_fpr


def small_registry() -> MeasuredRegistry:
    """Return two injection detectors: ``alpha@1`` measured down to 0.1%, ``beta@1`` without a card."""
    alpha = WordDetector("alpha@1", "prompt_injection", {"ignore": 0.999, "disregard": 0.95})
    beta = WordDetector("beta@1", "prompt_injection", {"override": 0.9})
    return MeasuredRegistry([alpha, beta], {"alpha@1": 0.001})


def small_release(text: str = SMALL_POLICY, *, cedar: str = "", registry: Registry | None = None) -> Release:
    """Compile a policy, against :func:`small_registry` unless another one is given."""
    used = registry or small_registry()
    return compile_release(load_policy("fairlead.yaml", text, used), used, cedar=cedar)
