"""Families of detectors; each is a stranger to the others."""
