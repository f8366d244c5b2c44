"""Fixtures of governance's tests."""

from collections.abc import Iterator

import pytest
from servers import postgres, postgres_url, store_url

from fairlead.store import Store, open_store

__all__ = ["postgres", "postgres_url", "store_url"]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A migrated store on SQLite and on PostgreSQL."""
    opened = open_store(store_url)
    opened.upgrade()
    yield opened
    opened.close()
