"""The knowledge base: Markdown documents in an SQLite full-text index, in memory."""

import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "documents"
TOP = 3
"""How many documents a question finds at most."""
CLOSE = 0.7
"""A further document must score at least this share of the best one."""

_WORD = re.compile(r"\w{3,}")
_COMMON = frozenset(
    _WORD.findall(
        "the and you your for with that this have from how what where when which does can could please tell are was not but let they them"
        " who why will would there into about out our all any has had its his her she him get got use also just than then too very much did"
        " hello please thanks send sent mail email e-mail say saying note still under want need should now"
        " lamp lamps after before always never"
    )
)


class Document(NamedTuple):
    """One text that answers are taken from."""

    id: str
    title: str
    text: str


class Knowledge:
    """Finds the documents that fit a question.

    Args:
        documents: What is in the knowledge base.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        self._index.execute("CREATE VIRTUAL TABLE documents USING fts5(id UNINDEXED, title, text, tokenize = 'porter unicode61')")
        self._index.executemany("INSERT INTO documents VALUES (?, ?, ?)", documents)

    def search(self, question: str, top: int = TOP) -> list[Document]:
        """Return the best documents, best first; a word in a title counts three times."""
        words = [word for word in dict.fromkeys(_WORD.findall(question.lower())) if word not in _COMMON]
        if not words:
            return []
        query = " OR ".join(f'"{word}"' for word in words)
        found = self._index.execute(
            "SELECT bm25(documents, 0, 3, 1) AS score, id, title, text FROM documents WHERE documents MATCH ? ORDER BY score LIMIT ?",
            (query, top),
        ).fetchall()
        # SQLite's scores are negative, the best is the lowest.
        return [Document(*row) for score, *row in found if score <= found[0][0] * CLOSE]

    def close(self) -> None:
        """Drop the index."""
        self._index.close()


def read_documents(folder: Path = FOLDER) -> list[Document]:
    """Read all Markdown files of a folder; the first heading is the title."""
    documents = []
    for path in sorted(folder.glob("*.md")):
        heading, _, text = path.read_text(encoding="utf-8").partition("\n")
        documents.append(Document(path.stem, heading.lstrip("# ").strip(), text.strip()))
    return documents
