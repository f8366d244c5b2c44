"""Fixtures of the gateway's tests."""

from gateway_bench import bench, call
from gateway_door import door, open_door, quick_door
from gateway_process import gateway_process
from pictures import tesseract

__all__ = ["bench", "call", "door", "gateway_process", "open_door", "quick_door", "tesseract"]
