"""Alembic's entry: migrations run in the transaction that :meth:`fairlead.store.Store.upgrade` has opened."""

from alembic import context

from fairlead.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
