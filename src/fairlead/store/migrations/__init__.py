"""Alembic migrations: forward only, explicit operations."""
