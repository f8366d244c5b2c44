"""Checks that formats carry: check digits, checksums, registers of ranges. Each takes a candidate and says how much of it is valid.

A policy names them for its own entities (:data:`CHECKS`), and so does the catalogue of secrets.
"""

import base64
import binascii
import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import cast

from fairlead.detectors.model import Validator

_DOUBLED = dict(zip("0123456789", (0, 2, 4, 6, 8, 1, 3, 5, 7, 9), strict=True))
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text."""
    return "".join(character for character in text if character in "0123456789")


def whole(test: Callable[[str], bool]) -> Validator:
    """Return the validator that takes all of a candidate, or nothing.

    Args:
        test: Tells whether a candidate is valid.
    """

    def validator(candidate: str) -> int:
        return len(candidate) if test(candidate) else 0

    return validator


def luhn_holds(digits: str) -> bool:
    """Tell whether the last digit is the Luhn digit of the rest (ISO/IEC 7812-1, annex B); stdnum's costs six times as much."""
    return bool(digits) and (sum(map(int, digits[-1::-2])) + sum(_DOUBLED[digit] for digit in digits[-2::-2])) % 10 == 0


def mod97_holds(text: str) -> bool:
    """Tell whether a text with its first four characters put last is 1 modulo 97 (ISO 7064 mod 97-10, as IBANs use it)."""
    compact = "".join(character for character in text.upper() if character.isalnum())
    moved = compact[4:] + compact[:4]
    return len(compact) > 4 and moved.isascii() and int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


_VERHOEFF_TURN = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)
_VERHOEFF_TABLE = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)


def verhoeff_holds(digits: str) -> bool:
    """Tell whether the last digit is the Verhoeff digit of the rest (dihedral group D5; as Aadhaar numbers use it)."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_TABLE[check][int(_VERHOEFF_TURN[place % 8][int(digit)])])
    return bool(digits) and check == 0


def weighted(weights: tuple[int, ...], modulus: int, *, remainder: int = 0) -> Validator:
    """Return the validator of digits whose weighted sum leaves a given remainder.

    Args:
        weights: One for each digit, check digit included.
        modulus: What the sum is divided by.
        remainder: What must remain.
    """

    def test(candidate: str) -> bool:
        digits = digits_of(candidate)
        return (
            len(digits) == len(weights)
            and sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=True)) % modulus == remainder
        )

    return whole(test)


def base58_bytes(text: str, alphabet: str = _BASE58) -> bytes:
    """Return the bytes that a base58 text stands for; empty for a character outside the alphabet."""
    number = 0
    for character in text:
        place = alphabet.find(character)
        if place < 0:
            return b""
        number = number * 58 + place
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + body


def base58check_holds(text: str, alphabet: str = _BASE58) -> bool:
    """Tell whether the last four bytes of a base58 text are the double SHA-256 of the rest (Bitcoin, base58check)."""
    data = base58_bytes(text, alphabet)
    return len(data) > 4 and hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


def ripple_holds(text: str) -> bool:
    """Tell whether a text is base58check in the XRP ledger's alphabet, as its addresses and seeds are."""
    return base58check_holds(text, _RIPPLE)


def bech32_holds(text: str) -> bool:
    """Tell whether a text carries a right bech32 or bech32m checksum (BIP 173 and 350)."""
    lower = text.lower()
    prefix, _, data = lower.rpartition("1")
    if text not in (lower, text.upper()) or not prefix or len(data) < 6 or any(character not in _BECH32 for character in data):
        return False
    values = [ord(character) >> 5 for character in prefix] + [0] + [ord(character) & 31 for character in prefix]
    check = 1
    for value in [*values, *(_BECH32.index(character) for character in data)]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check in (1, 0x2BC830A3)


_ROTATIONS = (1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44)
_LANES = (10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1)
_MASK = (1 << 64) - 1


@lru_cache(maxsize=1)  # constants of the algorithm
def _round_constants() -> tuple[int, ...]:
    constants, register = [], 1
    for _ in range(24):
        value = 0
        for bit in range(7):
            if register & 1:
                value ^= 1 << ((1 << bit) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(value)
    return tuple(constants)


def keccak256(data: bytes) -> bytes:
    """Return the Keccak-256 digest (the padding of the original submission, as Ethereum uses it; FIPS 202's SHA3-256 pads otherwise)."""
    rate = 136
    padded = bytearray(data + bytes(rate - len(data) % rate))
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), rate):
        for lane in range(rate // 8):
            lanes[lane] ^= int.from_bytes(padded[start + 8 * lane : start + 8 * lane + 8], "little")
        _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _permute(lanes: list[int]) -> None:
    for constant in _round_constants():
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        for x in range(5):
            change = columns[x - 1] ^ _rotated(columns[(x + 1) % 5], 1)
            for y in range(0, 25, 5):
                lanes[y + x] ^= change
        carried = lanes[1]
        for place, rotation in zip(_LANES, _ROTATIONS, strict=True):
            lanes[place], carried = _rotated(carried, rotation), lanes[place]
        for y in range(0, 25, 5):
            row = lanes[y : y + 5]
            for x in range(5):
                lanes[y + x] = row[x] ^ (~row[(x + 1) % 5] & _MASK & row[(x + 2) % 5])
        lanes[0] ^= constant


def _rotated(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & _MASK


def eip55_holds(text: str) -> bool:
    """Tell whether the case of an Ethereum address's letters is its checksum (EIP-55); one case throughout carries none."""
    body = text[2:]
    wanted = keccak256(body.lower().encode()).hex()
    return all(
        character == (character.upper() if int(nibble, 16) > 7 else character.lower())
        for character, nibble in zip(body, wanted, strict=False)
    )


def crc62_holds(text: str) -> bool:
    """Tell whether the last six characters are the CRC-32 of the body in base 62 (GitHub's tokens since 2021, and npm's)."""
    body = text.rpartition("_")[2]
    return len(body) > 6 and base62(binascii.crc32(body[:-6].encode()), 6) == body[-6:]


def base62(number: int, width: int) -> str:
    """Return a number in base 62, digits before capitals before small letters, filled with zeros."""
    out = ""
    while number:
        number, place = divmod(number, 62)
        out = _BASE62[place] + out
    return out.rjust(width, "0")


def decoded(text: str) -> bytes:
    """Return what a base64 or base64url text stands for, with or without its padding; empty when it is neither."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return b""


def entropy(text: str) -> float:
    """Return the Shannon entropy of a text's characters, in bits per character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def looks_random(text: str) -> bool:
    """Tell whether a text looks drawn by chance: letters and digits mixed, and hardly any character more often than chance has it."""
    kinds = sum((any(map(str.isdigit, text)), any(map(str.isupper, text)), any(map(str.islower, text))))
    return (
        kinds >= 2
        and len(text) >= 12
        and entropy(text) >= 0.72 * math.log2(min(len(text), 40 if kinds > 2 or not _HEX.match(text) else 16))
    )


_HEX = re.compile(r"[0-9a-f]*\Z|[0-9A-F]*\Z", re.ASCII)


def mixed_holds(text: str) -> bool:
    """Tell whether digits mix with both cases of letters, as in random keys and not in words."""
    return all(any(kind(character) for character in text) for kind in (str.isdigit, str.isupper, str.islower))


@lru_cache(maxsize=256)  # modules of a library, by name; nothing of any text
def _stdnum(module: str) -> Callable[[str], bool]:
    return cast("Callable[[str], bool]", import_module(f"stdnum.{module}").is_valid)


def stdnum_check(module: str) -> Validator:
    """Return the validator of a number that python-stdnum knows; the library's module is imported when a text first needs it.

    Args:
        module: Such as ``br.cpf``.
    """
    return whole(lambda candidate: _stdnum(module)(candidate))  # noqa: PLW0108 - the module is imported when it is first asked


CHECKS: Mapping[str, Validator] = {
    "luhn": whole(lambda text: luhn_holds(digits_of(text))),
    "mod97": whole(mod97_holds),
    "verhoeff": whole(lambda text: verhoeff_holds(digits_of(text))),
    "isbn": stdnum_check("isbn"),
    "ean": stdnum_check("ean"),
    "imei": stdnum_check("imei"),
    "lei": stdnum_check("lei"),
    "isin": stdnum_check("isin"),
    "mod11_2": stdnum_check("iso7064.mod_11_2"),
    "mod11_10": stdnum_check("iso7064.mod_11_10"),
    "mod37_36": stdnum_check("iso7064.mod_37_36"),
    "base58check": whole(base58check_holds),
    "bech32": whole(bech32_holds),
    "eip55": whole(eip55_holds),
    "crc62": whole(crc62_holds),
    "mixed": whole(mixed_holds),
    "random": whole(looks_random),
}
"""Checks by the name that a policy's own entities and the catalogue of secrets use."""
