"""Common English words, most frequent first: to tell words from strings that look like none, and words apart that were run together.

The list is made by ``python -m training.words`` from public texts that weights may be made from.
"""

import math
from functools import cache
from importlib import resources

FOREIGN = (
    "vergiss regeln anweisungen anweisung aufgabe sofort antworte ignoriere vorherigen ohne alle jetzt neue ahora eres olvida reglas"
    " instrucciones anteriores responde censura tarea nunca todas maintenant oublie regles instructions precedentes reponds censure sans"
    " aucune toutes istruzioni precedenti regole dimentica adesso rispondi tutte instrucoes anteriores agora regras esqueca responda todas"
    " vergeet regels instructies antwoord zonder alle zignoruj zasady instrukcje odpowiadaj bez talimatlari onceki cevap yoksay simdi"
)
"""Words of orders in nine more languages, without their marks, as normalisation leaves them; not natively reviewed."""
_LONGEST = 20
_UNKNOWN = 12.0
"""Cost of a letter that belongs to no word; a word costs the logarithm of its rank."""


@cache
def _ranks() -> dict[str, int]:
    text = resources.files("fairlead.detectors").joinpath("data", "common.words").read_text(encoding="ascii")
    ranks = {word: rank for rank, word in enumerate(text.split(), 1)}
    return ranks | {word: len(ranks) for word in FOREIGN.split() if word not in ranks}


def known_words() -> "dict[str, int]":
    """Return common words, each with its rank."""
    return _ranks()


def segmented(letters: str) -> str:
    """Return letters that were run together as words, with blanks between them.

    Args:
        letters: Without blanks; any case.
    """
    ranks, lower = _ranks(), letters.lower()
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(lower) + 1):
        choices = [(best[end - 1][0] + _UNKNOWN, end - 1)]
        for start in range(max(0, end - _LONGEST), end):
            rank = ranks.get(lower[start:end])
            if rank is not None:
                choices.append((best[start][0] + math.log(rank + 20), start))
        best.append(min(choices))
    pieces: list[str] = []
    end = len(lower)
    while end:
        start = best[end][1]
        pieces.append(letters[start:end])
        end = start
    return " ".join(reversed(pieces))
