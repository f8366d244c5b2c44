"""Writes ONNX files: so much of the format as one small model needs, so that nothing has to be installed for it.

An ONNX file is a ``ModelProto`` in the wire format of Protocol Buffers; the field numbers are those of onnx/onnx.proto (ONNX 1.17). The
same graph is always the same bytes.
"""

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
_IR, _OPSET = 9, 20
"""Versions of the format and of the operators; onnxruntime reads them from 1.17 on."""
_KINDS = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
"""``TensorProto.DataType``."""


class Graph:
    """A graph that grows operator by operator."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0

    def input(self, name: str, kind: str, shape: Sequence[int | str]) -> str:
        """Add an input; dimensions that are words are of any size."""
        self._inputs.append(_value(name, kind, shape))
        return name

    def output(self, name: str, kind: str, shape: Sequence[int | str]) -> None:
        """Say that a value is an output."""
        self._outputs.append(_value(name, kind, shape))

    def weight(self, array: Array) -> str:
        """Add a constant and return its name."""
        name = self._fresh()
        dims = b"".join(_int(1, size) for size in array.shape)
        data = np.ascontiguousarray(array)
        self._weights.append(dims + _int(2, _KINDS[str(data.dtype)]) + _text(8, name) + _bytes(9, data.tobytes()))
        return name

    def add(self, kind: str, *inputs: str, outputs: int = 1, name: str = "", **attributes: float | tuple[int, ...]) -> list[str]:
        """Add an operator and return the names of what it gives.

        Args:
            kind: ``op_type``.
            *inputs: Names of values; an empty one is left out.
            outputs: How many values it gives.
            name: Of its only output; a fresh one by default.
            **attributes: Integers, floats or tuples of integers.
        """
        made = [name] if name else [self._fresh() for _ in range(outputs)]
        parts = [_text(1, each) for each in inputs] + [_text(2, each) for each in made] + [_text(4, kind)]
        parts += [_bytes(5, _attribute(key, value)) for key, value in attributes.items()]
        self._nodes.append(b"".join(parts))
        return made

    def one(self, kind: str, *inputs: str, name: str = "", **attributes: float | tuple[int, ...]) -> str:
        """Add an operator that gives one value and return its name."""
        return self.add(kind, *inputs, name=name, **attributes)[0]

    def file(self, producer: str) -> bytes:
        """Return the bytes of the file."""
        graph = [_bytes(1, node) for node in self._nodes] + [_text(2, producer)]
        graph += [_bytes(5, weight) for weight in self._weights]
        graph += [_bytes(11, value) for value in self._inputs] + [_bytes(12, value) for value in self._outputs]
        return _int(1, _IR) + _text(2, producer) + _bytes(7, b"".join(graph)) + _bytes(8, _text(1, "") + _int(2, _OPSET))

    def _fresh(self) -> str:
        self._count += 1
        return f"v{self._count}"


def _attribute(name: str, value: float | tuple[int, ...]) -> bytes:
    if isinstance(value, tuple):
        return _text(1, name) + b"".join(_int(8, entry) for entry in value) + _int(20, 7)
    if isinstance(value, int):
        return _text(1, name) + _int(3, value) + _int(20, 2)
    return _text(1, name) + _key(2, 5) + struct.pack("<f", value) + _int(20, 1)


def _value(name: str, kind: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(_bytes(1, _text(2, size) if isinstance(size, str) else _int(1, size)) for size in shape)
    tensor = _int(1, _KINDS[kind]) + _bytes(2, dims)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _int(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value & (1 << 64) - 1)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
