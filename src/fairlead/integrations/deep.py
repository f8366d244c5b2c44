"""The deep model of the distribution ``fairlead-models``: a small transformer, run by onnxruntime on one core.

A text is read in windows that overlap by a quarter, in every reading that the detectors have of it; the highest window counts. A text of
more than ``LONGEST`` windows is refused: nothing is cut off in silence. Each window is run alone: activations are quantised over all that
is run at once, so beside others a window would not say the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module, resources
from typing import Any, NamedTuple, Self

from fairlead.core import Origin, digest_bytes
from fairlead.detectors import LADDER, Card, Channel, Hit, View, channel_of, prepare, score_of
from fairlead.detectors.remote import INSTALL, Deep, Remote, best_hits, read_deep
from fairlead.integrations.errors import DetectorNotLoaded

LONGEST = 256
"""Windows of one text at most, about 100 KB of English."""
_CHARS_PER_TOKEN = 60
"""A text that has more characters than so many a token can't fit into the windows; it is not even cut into tokens."""

Run = Callable[[Sequence[int]], Sequence[float]]
"""From the tokens of a window to one number for each head and channel."""


class Tokens(NamedTuple):
    """A reading in tokens."""

    ids: Sequence[int]
    spans: Sequence[tuple[int, int]]
    """Characters of each."""


class Head(NamedTuple):
    """One output of the model, for one channel."""

    place: int
    hazards: tuple[str, ...]
    card: Card


class DeepModel:
    """The model, loaded.

    Args:
        tokenize: From a text to its tokens, without the two that frame a window.
        run: The network.
        frame: Those two tokens.
        window: Tokens of a window, frame and all.
        heads: By channel.
    """

    def __init__(
        self, tokenize: Callable[[str], Tokens], run: Run, *, frame: tuple[int, int], window: int, heads: Mapping[Channel, Sequence[Head]]
    ) -> None:
        self._tokenize = tokenize
        self._run = run
        self._frame = frame
        self._size = window - 2
        self._heads = heads

    @classmethod
    def load(cls, remote: Remote) -> Self:
        """Load what is installed.

        Args:
            remote: Names the package and the digest of its card.

        Raises:
            DetectorNotLoaded: onnxruntime or tokenizers is not installed, or a file is missing, damaged or not the one that the policy was
                checked with.
            ModelDamaged: Its card can't be read.
        """
        try:
            runtime, tokenizers = import_module("onnxruntime"), import_module("tokenizers")
        except ImportError as error:
            raise DetectorNotLoaded("onnxruntime or tokenizers is not installed", where=remote.id, mend=INSTALL) from error
        deep = read_deep()
        if deep is None or deep.digest != remote.card:
            mend = f"restart after an update; {INSTALL}"
            raise DetectorNotLoaded("the deep model is not the one that the policy was checked with", where=remote.id, mend=mend)
        card = deep.card
        files = {name: _file(remote, name, digest) for name, digest in (("model.onnx", card.model), ("tokenizer.json", card.tokenizer))}
        try:
            tokenizer = tokenizers.Tokenizer.from_str(files["tokenizer.json"].decode())
            session = runtime.InferenceSession(files["model.onnx"], _one_thread(runtime), providers=["CPUExecutionProvider"])
            run = _runs(session, len(card.outputs))
            frame = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
            run([*frame])
        except Exception as error:
            # These are the files of the card, so what can't be read was made for another version of a library.
            mend = f"update onnxruntime and tokenizers; {INSTALL}"
            raise DetectorNotLoaded(f"the deep model can't be run ({type(error).__name__})", where=remote.id, mend=mend) from error

        def tokenize(text: str) -> Tokens:
            found = tokenizer.encode(text, add_special_tokens=False)
            return Tokens(found.ids, found.offsets)

        return cls(tokenize, run, frame=frame, window=card.window, heads=_heads(deep))

    def detect(self, text: str, origin: Origin) -> Sequence[Hit]:
        """Return the highest window of each head; what the application itself wrote is not scored.

        Raises:
            ValueError: The text, or what it decodes to, is longer than the windows, or decodes to more than the budget.
        """
        channel = channel_of(origin)
        if channel is None:
            return ()
        prepared = prepare(text)
        windows = [window for reading in prepared.readings for window in self._windows(reading)]
        if prepared.unread or len(windows) > LONGEST:
            raise ValueError("too long")
        hits: list[Hit] = []
        for reading, ids, span in windows:
            row = self._run([self._frame[0], *ids, self._frame[1]])
            for head in self._heads[channel]:
                score = round(score_of(row[head.place], head.card, channel), 4)
                if score >= LADDER[0][1]:
                    kind = "" if reading.kind == "normalised" else reading.kind
                    hits += [Hit(*reading.span(*span), hazard, "", score, kind) for hazard in head.hazards]
        return best_hits(hits)

    def _windows(self, reading: View) -> Iterator[tuple[View, Sequence[int], tuple[int, int]]]:
        if len(reading.text) > LONGEST * self._size * _CHARS_PER_TOKEN:
            raise ValueError("too long")
        ids, spans = self._tokenize(reading.text)
        for start in starts_of(len(ids), self._size):
            end = min(start + self._size, len(ids))
            yield reading, ids[start:end], (spans[start][0], spans[end - 1][1])


def starts_of(count: int, size: int) -> list[int]:
    """Return where the windows of so many tokens start: neighbours share a quarter, and the last one ends where the text does.

    Args:
        count: Tokens of the text.
        size: Tokens of a window.
    """
    if count == 0:
        return []
    step = max(1, size - size // 4)
    return list(dict.fromkeys(min(start, max(0, count - size)) for start in range(0, max(1, count - size + step), step)))


def _one_thread(runtime: Any) -> Any:  # noqa: ANN401 - an object of onnxruntime, which may not be installed
    options = runtime.SessionOptions()
    # Gateways run one worker a core; threads of our own would only take them from each other.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _runs(session: Any, outputs: int) -> Run:  # noqa: ANN401 - as above
    numpy = import_module("numpy")

    def run(ids: Sequence[int]) -> Sequence[float]:
        asked = {"ids": numpy.array(ids, dtype=numpy.int64), "places": numpy.arange(len(ids), dtype=numpy.int64)}
        row: list[float] = session.run(["logits"], asked)[0].tolist()
        if len(row) != outputs or not numpy.isfinite(row).all():
            raise ValueError("not what the card says")
        return row

    return run


def _heads(deep: Deep) -> dict[Channel, list[Head]]:
    out: dict[Channel, list[Head]] = {"asked": [], "data": []}
    for place, (name, channel) in enumerate(deep.card.outputs):
        head = deep.card.heads[name]
        out[channel].append(Head(place, head.hazards, head.card))
    return out


def _file(remote: Remote, name: str, digest: str) -> bytes:
    try:
        data = resources.files(remote.model).joinpath(name).read_bytes()
    except OSError as error:
        raise DetectorNotLoaded(f"{name} is missing", where=remote.id, mend=f"install it again: {INSTALL}") from error
    if digest_bytes(data) != digest:
        raise DetectorNotLoaded(f"{name} is damaged", where=remote.id, mend=f"install it again: {INSTALL}")
    return data
