"""Witnesses of proofs as tests of a policy. Its own door: the broker does not need it."""

from fairlead.agents.witness.cases import case_of

__all__ = ["case_of"]
