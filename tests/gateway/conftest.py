"""Fixtures of the gateway's tests."""

from gateway_bench import bench, call
from gateway_door import door, open_door

__all__ = ["bench", "call", "door", "open_door"]
