"""The Merkle tree against the reference vectors of RFC 6962 / Certificate Transparency, and its laws."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.ledger.merkle import EMPTY_ROOT, Frontier, Head, Tree, leaf_hash, verify_consistency, verify_inclusion

# Inputs, roots and proofs of the Certificate Transparency reference implementation
# (google/certificate-transparency, merkletree/merkle_tree_test.cc).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}

leaf_lists = st.lists(st.binary(max_size=8).map(leaf_hash), min_size=1, max_size=40)


def reference_tree() -> Tree:
    return Tree([leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES])


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Tree([]).root() == Frontier().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_roots_of_all_sizes_are_the_published_ones() -> None:
    tree = reference_tree()
    assert [tree.root(size).hex() for size in range(1, 9)] == ROOTS


def test_proofs_are_the_published_ones() -> None:
    tree = reference_tree()
    for (index, size), path in PATHS.items():
        assert [node.hex() for node in tree.inclusion(index, size)] == path
    for (old, size), path in CONSISTENCY.items():
        assert [node.hex() for node in tree.consistency(old, size)] == path


@given(leaf_lists)
def test_appending_gives_the_same_root_as_building(leaves: list[bytes]) -> None:
    tree, frontier = Tree(leaves), Frontier()
    for size, leaf in enumerate(leaves, start=1):
        frontier = frontier.append(leaf)
        assert frontier.root() == tree.root(size)
        assert len(frontier.peaks) == size.bit_count()


@given(leaf_lists, st.data())
def test_an_inclusion_proof_holds_for_its_leaf_place_and_root_only(leaves: list[bytes], data: st.DataObject) -> None:
    tree, size = Tree(leaves), len(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof, root = tree.inclusion(index), tree.root()
    assert verify_inclusion(leaves[index], index, size=size, proof=proof, root=root)
    assert not verify_inclusion(flip(leaves[index]), index, size=size, proof=proof, root=root)
    assert not verify_inclusion(leaves[index], index, size=size, proof=proof, root=flip(root))
    assert not verify_inclusion(leaves[index], index, size=size, proof=(*proof, root), root=root)
    assert not verify_inclusion(leaves[index], size, size=size, proof=proof, root=root)
    if proof:
        assert not verify_inclusion(leaves[index], index, size=size, proof=proof[:-1], root=root)
        broken = data.draw(st.integers(0, len(proof) - 1))
        changed = (*proof[:broken], flip(proof[broken]), *proof[broken + 1 :])
        assert not verify_inclusion(leaves[index], index, size=size, proof=changed, root=root)


@settings(max_examples=60)
@given(leaf_lists)
def test_every_prefix_is_consistent_and_no_other_history_is(leaves: list[bytes]) -> None:
    tree, size = Tree(leaves), len(leaves)
    new = Head(size, tree.root())
    for old in range(size + 1):
        proof, head = tree.consistency(old), Head(old, tree.root(old))
        assert verify_consistency(head, new, proof)
        assert not verify_consistency(Head(old, flip(head.root)), new, proof)
        assert not verify_consistency(head, new, (*proof, new.root))
        if old:
            assert not verify_consistency(head, Head(size, flip(new.root)), proof)
        for broken in range(len(proof)):
            changed = (*proof[:broken], flip(proof[broken]), *proof[broken + 1 :])
            assert not verify_consistency(head, new, changed)


def test_a_larger_tree_is_no_prefix_of_a_smaller_one() -> None:
    tree = reference_tree()
    assert not verify_consistency(Head(8, tree.root()), Head(5, tree.root(5)), ())


def test_a_node_is_not_a_leaf() -> None:
    """Without domain separation the two children's bytes would be a leaf with the same hash as their node."""
    tree = reference_tree()
    children = leaf_hash(b"") + leaf_hash(b"\x00")
    assert leaf_hash(children) != tree.root(2)
