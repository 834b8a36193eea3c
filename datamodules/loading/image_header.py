"""Read the first bytes of JPEG and PNG files without a decoder, for the check of every file."""

import struct
import zlib

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"

_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a segment
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PNG_GREY, _PNG_RGB = 0, 2


def size_of(data: bytes) -> tuple[int, int] | None:
    """Read width and height from the header of a JPEG or PNG; None if `data` are too short."""
    if data.startswith(PNG):
        return struct.unpack(">II", data[16:24]) if data[12:16] == b"IHDR" and len(data) >= 24 else None
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        if marker == 0xFF:  # a byte of padding
            place += 1
        elif marker in _ALONE:
            place += 2
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def is_plain_png(data: bytes) -> bool:
    """Return whether a PNG is grey or RGB of 8 bits without transparency, so that all decoders agree."""
    return data[24:25] == b"\x08" and data[25] in (_PNG_GREY, _PNG_RGB) and b"tRNS" not in data[:4096]


def png_fault(data: bytes) -> str | None:
    """Return the damage of a PNG, a truncated chunk or a wrong check sum; None if there is none."""
    place, view = 8, memoryview(data)
    while place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4], "big")
        if end + 4 > len(data):
            break
        if zlib.crc32(view[place + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return "a check sum of the PNG is wrong"
        if data[place + 4 : place + 8] == b"IEND":
            return None
        place = end + 4
    return "cut short (no PNG end marker)"
