"""Is this the history that was signed? Entries against tree heads, heads against each other, and against what was seen before."""

from collections.abc import Mapping

from fairlead.core import FairleadError, decode
from fairlead.ledger.bundle import Members, Proof
from fairlead.ledger.merkle import EMPTY_ROOT, Frontier, Head, leaf_hash, verify_consistency, verify_inclusion
from fairlead.ledger.statement import Checkpoint, root_bytes
from fairlead.ledger.tampering import Problem, Tampering
from fairlead.ledger.trust import Pin, TrustRoot

Heads = dict[int, Checkpoint]
"""Signed tree heads by size."""


def locate(members: Members, heads: Mapping[int, Checkpoint]) -> list[Problem]:
    """Compare the entries with the largest signed head and say what was done to them.

    The root alone tells that something is wrong; inclusion proofs tell which entry belongs where, and where those are gone too,
    the heads of the smaller sizes tell how far the history is still the signed one.
    """
    final = heads[max(heads)]
    if sorted(members.entries) == list(range(final.size)) and root_of(members) == root_bytes(final.root):
        return []
    places = _places(members, final)
    if any(place is not None for place in places.values()):
        return _name_changes(members, places, final.size)
    return _by_prefix(members, heads, final.size)


def check_heads(members: Members, heads: Mapping[int, Checkpoint]) -> list[Problem]:
    """Compare every signed head with the history of the largest: a head that is no prefix of it was signed for another history."""
    final = heads[max(heads)]
    roots = roots_by_size(members) if root_of(members) == root_bytes(final.root) else {}
    problems = []
    for size, head in heads.items():
        if size != final.size and not _is_prefix(members, head, final, roots):
            what = f"the signed head of size {size} is no prefix of the signed head of size {final.size}"
            problems.append(Problem(kind="forked", where=f"checkpoints/{size:08}.json", what=what))
    return problems


def check_pins(members: Members, heads: Mapping[int, Checkpoint], trust: TrustRoot) -> tuple[int, list[Problem]]:
    """Compare the log with the heads that earlier checks pinned.

    Returns:
        How many pinned heads are part of this log, and what contradicts the others.
    """
    final = heads[max(heads)]
    roots = roots_by_size(members) if root_of(members) == root_bytes(final.root) else {}
    roots |= {size: root_bytes(head.root) for size, head in heads.items()}
    later = [pin for pin in trust.pins if pin.size > final.size]
    known = [pin for pin in trust.pins if pin.size <= final.size]
    broken = [pin for pin in known if roots.get(pin.size) != root_bytes(pin.root)]
    matched = [pin.size for pin in known if pin not in broken and pin.size > 0]
    problems = []
    if later:
        what = f"the log has {final.size} entries; a head of size {max(pin.size for pin in later)} was pinned before: the end is gone"
        problems.append(Problem(kind="truncated", where="checkpoints/", what=what))
    for pin in broken:
        if matched:
            what = f"the history leaves the pinned one after size {max(matched)}: the pinned head of size {pin.size} is not part of it"
            problems.append(Problem(kind="forked", where=f"checkpoints/{pin.size:08}.json", what=what))
        else:
            what = (
                f"the pinned head of size {pin.size} is not part of this log, and no other pinned head is: the whole chain is another one"
            )
            problems.append(Problem(kind="replaced", where=f"checkpoints/{pin.size:08}.json", what=what))
    return len(known) - len(broken), problems


def check_proofs(members: Members, heads: Mapping[int, Checkpoint]) -> list[Problem]:
    """Check the proofs that come with the bundle; whoever takes one entry out of it relies on them."""
    final = heads[max(heads)]
    problems = []
    for index in members.entries:
        if not _included(members, index, index, final):
            where = f"proofs/inclusion/{index:08}.json"
            problems.append(Problem(kind="bad-proof", where=where, what=f"no proof that entry {index} is in the log of size {final.size}"))
    for size, head in heads.items():
        if not _consistent(members, head, final):
            where = f"proofs/consistency/{size:08}.json"
            problems.append(
                Problem(kind="bad-proof", where=where, what=f"no proof that the head of size {size} is a prefix of {final.size}")
            )
    return problems


def root_of(members: Members) -> bytes:
    """Return the root over the entries in the order of their numbers."""
    frontier = Frontier()
    for _, content in sorted(members.entries.items()):
        frontier = frontier.append(leaf_hash(content))
    return frontier.root()


def roots_by_size(members: Members) -> dict[int, bytes]:
    """Return the root of each prefix of the entries."""
    frontier, roots = Frontier(), {0: EMPTY_ROOT}
    for _, content in sorted(members.entries.items()):
        frontier = frontier.append(leaf_hash(content))
        roots[frontier.size] = frontier.root()
    return roots


def _places(members: Members, final: Checkpoint) -> dict[int, int | None]:
    """Return for each entry the place that a proof gives it under the signed root, or None when no proof knows it."""
    places: dict[int, int | None] = {}
    for index in sorted(members.entries):
        candidates = (index, *(number for number in sorted(members.inclusion) if number != index))
        found = (number for number in candidates if _included(members, index, number, final))
        number = next(found, None)
        places[index] = None if number is None else _proof(members.inclusion[number]).index
    return places


def _name_changes(members: Members, places: Mapping[int, int | None], size: int) -> list[Problem]:
    unfilled = set(range(size)) - {place for place in places.values() if place is not None}
    problems = []
    order: list[tuple[int, int]] = []
    for index, place in sorted(places.items()):
        if place is None and index in unfilled:
            unfilled.discard(index)
            problems.append(_problem("edited", index, "this is not the entry that was logged here"))
        elif place is None:
            problems.append(_problem("inserted", index, "this entry was never logged"))
        elif any(place == taken for taken, _ in order):
            problems.append(_problem("inserted", index, f"this is a second copy of entry number {place}"))
        else:
            order.append((place, index))
    problems += _gone(unfilled, size) + _moved(order)
    return problems or [_problem("reordered", min(members.entries, default=0), "the numbering of the entries was changed")]


def _gone(unfilled: set[int], size: int) -> list[Problem]:
    end = size
    while end - 1 in unfilled:
        end -= 1
    problems = [_problem("deleted", index, f"entry number {index} of the log is gone") for index in sorted(unfilled) if index < end]
    if end < size:
        problems.append(_problem("truncated", end, f"the log has {size} entries, those from number {end} on are gone"))
    return problems


def _moved(order: list[tuple[int, int]]) -> list[Problem]:
    if order == sorted(order):
        return []
    moved = [index for place, index in order if place != index]
    return [_problem("reordered", moved[0], f"entries stand at each other's places: {', '.join(map(str, moved))}")]


def _contradiction(pin: Pin, shared: int) -> Problem:
    where = f"checkpoints/{pin.size:08}.json"
    if shared:
        what = f"the history leaves the pinned one after size {shared}: the pinned head of size {pin.size} is not part of it"
        return Problem(kind="forked", where=where, what=what)
    what = f"neither the pinned head of size {pin.size} nor any other pinned head is part of this log: the whole chain is another one"
    return Problem(kind="replaced", where=where, what=what)


def _by_prefix(members: Members, heads: Mapping[int, Checkpoint], size: int) -> list[Problem]:
    roots = roots_by_size(members)
    true_until = max((number for number, head in heads.items() if roots.get(number) == root_bytes(head.root)), default=0)
    count = len(members.entries)
    if count < size and true_until == count:
        return [_problem("truncated", count, f"the log has {size} entries, those from number {count} on are gone")]
    if count < size:
        return [
            _problem("deleted", true_until, f"the history is not the signed one from entry {true_until} on, and {size - count} are gone")
        ]
    if count > size:
        return [
            _problem("inserted", true_until, f"the history is not the signed one from entry {true_until} on, and {count - size} were added")
        ]
    return [_problem("edited", true_until, f"the history is not the signed one from entry {true_until} on")]


def _is_prefix(members: Members, head: Checkpoint, final: Checkpoint, roots: Mapping[int, bytes]) -> bool:
    if roots:
        return roots.get(head.size) == root_bytes(head.root)
    return head.size not in members.consistency or _consistent(members, head, final)


def _included(members: Members, entry: int, proof: int, final: Checkpoint) -> bool:
    try:
        found = _proof(members.inclusion[proof])
        path = [root_bytes(node) for node in found.path]
    except (KeyError, FairleadError):
        return False
    leaf = leaf_hash(members.entries[entry])
    return found.size == final.size and verify_inclusion(leaf, found.index, size=final.size, proof=path, root=root_bytes(final.root))


def _consistent(members: Members, head: Checkpoint, final: Checkpoint) -> bool:
    try:
        found = _proof(members.consistency[head.size])
        path = [root_bytes(node) for node in found.path]
    except (KeyError, FairleadError):
        return False
    old, new = Head(head.size, root_bytes(head.root)), Head(final.size, root_bytes(final.root))
    return (found.index, found.size) == (head.size, final.size) and verify_consistency(old, new, path)


def _proof(content: bytes) -> Proof:
    return decode(content, Proof)


def _problem(kind: Tampering, index: int, what: str) -> Problem:
    return Problem(kind=kind, where=f"entries/{index:08}.json", what=what)
