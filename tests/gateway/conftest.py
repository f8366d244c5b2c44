"""Fixtures of the gateway's tests."""

from gateway_bench import bench, call

__all__ = ["bench", "call"]
