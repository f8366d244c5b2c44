"""The migrations make exactly the tables that every room's records ask for, on both databases."""

import importlib
import pkgutil
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

import fairlead
from fairlead.store import Store, StoreMisconfigured, StoreUnavailable, StoreUnmigrated, head, metadata, open_store


def _import_all_records() -> None:
    for module in pkgutil.walk_packages(fairlead.__path__, "fairlead."):
        if module.name.endswith(".records"):
            importlib.import_module(module.name)


def test_the_migrated_schema_is_what_all_records_declare(store: Store) -> None:
    _import_all_records()
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        names = {table.name: {constraint.name for constraint in table.constraints} for table in metadata.tables.values()}
        found = inspect(connection)
        for table, constraints in names.items():
            assert found.get_pk_constraint(table)["name"] in constraints
            assert {unique["name"] for unique in found.get_unique_constraints(table)} <= constraints


def test_every_table_of_tenant_data_says_whose_it_is() -> None:
    _import_all_records()
    for name, table in metadata.tables.items():
        about_journals = "journal" in table.primary_key.columns  # how far a journal was read is nobody's data
        assert name == "tenants" or about_journals or "tenant" in table.columns, name


def test_times_are_bigint_microseconds_and_no_column_knows_zones() -> None:
    _import_all_records()
    for table in metadata.tables.values():
        for column in table.columns:
            kind = str(column.type)
            assert kind in ("TEXT", "BIGINT", "BOOLEAN", "INTEGER", "FLOAT", "DOUBLE"), f"{table.name}.{column.name}: {kind}"
            if column.name.endswith("_us"):
                assert kind == "BIGINT", f"{table.name}.{column.name}"


def test_upgrading_again_or_from_many_threads_at_once_is_harmless(store_url: str) -> None:
    store = open_store(store_url)
    assert store.revision() == ""
    with pytest.raises(StoreUnmigrated, match="nothing"):
        store.require_current()
    reached: list[str] = []
    workers = [threading.Thread(target=lambda: reached.append(store.upgrade())) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert reached == [head()] * 4
    store.require_current()
    store.close()


def test_a_newer_schema_is_refused(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for act in (store.upgrade, store.require_current):
        with pytest.raises(StoreUnmigrated, match="9999"):
            act()


def test_what_fails_in_a_write_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(RuntimeError, match="on purpose"), store.write() as connection:
        _insert_and_fail(connection)
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM tenants")).scalar() == 0


def _insert_and_fail(connection: Connection) -> None:
    connection.execute(text("INSERT INTO tenants VALUES ('t1', 1)"))
    raise RuntimeError("on purpose")


@pytest.mark.parametrize("url", ["", "no url", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_is_not_ours_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StoreMisconfigured) as refused:
        open_store(url)
    assert refused.value.mend


def test_a_database_that_is_down_is_unavailable_and_its_password_untold() -> None:
    store = open_store("postgresql://someone:hunter2hunter2@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable) as told:
        store.revision()
    assert "hunter2" not in str(told.value)
    assert "127.0.0.1" in told.value.where
    store.close()
