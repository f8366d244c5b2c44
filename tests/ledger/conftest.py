"""A store with the ledger's tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.store import Store, metadata, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    metadata.create_all(opened.engine)
    yield opened
    opened.close()
