"""What the first bytes of a picture say: sizes as written, and nothing of what is broken."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pictures import header, png

from fairlead.integrations.reading import Picture, picture_of

SIZES = st.integers(1, 16_383)


def jpeg(width: int, height: int, before: bytes = b"") -> bytes:
    return b"\xff\xd8" + before + b"\xff\xc2" + struct.pack(">HBHHB", 8, 8, height, width, 1)


def gif(width: int, height: int, frames: int = 1, *, table: int = 0) -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x01x\x00"
    flags = 0x80 | table if table else 0
    colours = bytes(3 << (table + 1)) if table else b""
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, flags, 0, 0) + colours + b"\x21\xf9\x04\0\0\0\0\0" + frame * frames + b";"


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + struct.pack("<I", len(body)) + body + bytes(8)


@given(SIZES, SIZES, st.integers(0, 7))
def test_each_form_tells_its_size(width: int, height: int, table: int) -> None:
    plain = {
        "png": header(width, height),
        "jpeg": jpeg(width, height, before=b"\xff\xe0\x00\x04ab\xff"),
        "gif": gif(width, height, table=table),
    }
    for form, data in plain.items():
        assert picture_of(data) == Picture(form, width, height, moves=False)  # type: ignore[arg-type] # the dict's keys
    extended = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    lossless = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little")
    lossy = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
    for kind, body in ((b"VP8X", extended), (b"VP8L", lossless), (b"VP8 ", lossy)):
        assert picture_of(webp(kind, body)) == Picture("webp", width, height, moves=False)


def test_what_moves_is_told() -> None:
    moving = png([b"\0"]).replace(b"IDAT", b"acTL")
    frames = [moving, gif(3, 4, frames=2), webp(b"VP8X", b"\x02" + bytes(9))]
    assert [picture is not None and picture.moves for picture in map(picture_of, frames)] == [True] * 3


@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"II*\0", b"%PDF"]),
    st.binary(max_size=200),
)
@example(b"\xff\xd8\xff", b"\xff" * 100)
@example(b"GIF89a", bytes(7) + b"\x21\xf9" + b"\x01" * 9)
def test_whatever_comes_is_a_picture_with_a_size_or_none(magic: bytes, rest: bytes) -> None:
    found = picture_of(magic + rest)
    assert found is None or (found.width > 0 and found.height > 0)


@pytest.mark.parametrize("data", [header(7, 9), jpeg(7, 9), gif(7, 9), webp(b"VP8X", bytes(10))])
def test_a_header_that_is_cut_off_is_no_picture(data: bytes) -> None:
    assert all(picture_of(data[:length]) is None for length in range(min(len(data) - 1, 26)))
