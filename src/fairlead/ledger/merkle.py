"""The Merkle tree of RFC 6962, section 2.1: root, inclusion proofs, consistency proofs and their verification.

Leaves and nodes are hashed under different prefixes (0x00, 0x01), so that a node can never be passed off as a leaf.
Verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2, which give the same proofs and state the check step by step.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that holds ``data``."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree over leaf hashes that answers for itself and for each of its prefixes.

    Args:
        leaves: Hashes of the leaves (:func:`leaf_hash`), in order.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = tuple(leaves)
        self._known: dict[tuple[int, int], bytes] = {}

    def __len__(self) -> int:
        return len(self._leaves)

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first ``size`` leaves; over all when it is not given."""
        count = self._prefix(size)
        return self._hash(0, count) if count else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the audit path of leaf ``index`` in the tree over the first ``size`` leaves.

        Raises:
            IndexError: There is no such leaf in that tree.
        """
        count = self._prefix(size)
        if not 0 <= index < count:
            raise IndexError(index)
        return self._path(index, 0, count)

    def consistency(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that the tree over ``old`` leaves is a prefix of the one over ``size``.

        Raises:
            IndexError: ``old`` is negative or larger than the tree.
        """
        count = self._prefix(size)
        if not 0 <= old <= count:
            raise IndexError(old)
        return self._subproof(old, 0, count, whole=True) if 0 < old < count else ()

    def _prefix(self, size: int | None) -> int:
        count = len(self._leaves) if size is None else size
        if not 0 <= count <= len(self._leaves):
            raise IndexError(count)
        return count

    def _hash(self, start: int, end: int) -> bytes:
        if end - start == 1:
            return self._leaves[start]
        known = self._known.get((start, end))
        if known is None:
            middle = start + _split(end - start)
            known = node_hash(self._hash(start, middle), self._hash(middle, end))
            self._known[start, end] = known
        return known

    def _path(self, index: int, start: int, end: int) -> tuple[bytes, ...]:
        if end - start == 1:
            return ()
        middle = start + _split(end - start)
        if index < middle:
            return (*self._path(index, start, middle), self._hash(middle, end))
        return (*self._path(index, middle, end), self._hash(start, middle))

    def _subproof(self, old: int, start: int, end: int, *, whole: bool) -> tuple[bytes, ...]:
        if old == end:
            return () if whole else (self._hash(start, end),)
        middle = start + _split(end - start)
        if old <= middle:
            return (*self._subproof(old, start, middle, whole=whole), self._hash(middle, end))
        return (*self._subproof(old, middle, end, whole=False), self._hash(start, middle))


class Frontier(NamedTuple):
    """The roots of the complete subtrees at the right edge: all that is needed to append in O(log n)."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()
    """Largest subtree first; one for each set bit of ``size``."""

    def append(self, leaf: bytes) -> "Frontier":
        """Return the frontier after one more leaf hash."""
        peaks, size = [*self.peaks, leaf], self.size
        while size & 1:
            right, left = peaks.pop(), peaks.pop()
            peaks.append(node_hash(left, right))
            size >>= 1
        return Frontier(self.size + 1, tuple(peaks))

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        if not self.peaks:
            return EMPTY_ROOT
        *rest, root = self.peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


def verify_inclusion(leaf: bytes, index: int, *, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether ``leaf`` is leaf number ``index`` of the tree of ``size`` leaves with that ``root``."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


class Head(NamedTuple):
    """How large a tree is and what its root is."""

    size: int
    root: bytes


def verify_consistency(old: Head, new: Head, proof: Sequence[bytes]) -> bool:
    """Tell whether the tree of ``old`` is a prefix of the tree of ``new``."""
    if not 0 <= old.size <= new.size:
        return False
    if old.size in {0, new.size}:
        return not proof and (old.root == EMPTY_ROOT if old.size == 0 else old.root == new.root)
    path = list(proof) if old.size & (old.size - 1) else [old.root, *proof]
    return bool(path) and _climb(old, new, path)


def _climb(old: Head, new: Head, path: Sequence[bytes]) -> bool:
    position, last = old.size - 1, new.size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_root, new_root = node_hash(sibling, old_root), node_hash(sibling, new_root)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new_root = node_hash(new_root, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and (old_root, new_root) == (old.root, new.root)


def _split(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)
