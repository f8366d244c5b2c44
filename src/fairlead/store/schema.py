"""The one MetaData that every room's ``records.py`` puts its tables into, and the column types that both databases agree on."""

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of the store. Times are BIGINT microseconds UTC, ids are TEXT, JSON is TEXT in canonical form."""

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A primary key that the database counts up by itself; SQLite does that only for INTEGER."""
