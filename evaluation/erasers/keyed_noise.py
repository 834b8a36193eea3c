"""Standard normal numbers that a secret key and the content of a sample determine."""

import hashlib
import re
import secrets
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from evaluation.samples.arrays import Floats

KEY_BYTES = 32


def draw_key() -> str:
    """Draw a key from the random source of the operating system, as 64 hexadecimal digits."""
    return secrets.token_hex(KEY_BYTES)


def check_key(key: str) -> str:
    """Return a key, or raise ValueError if it is not one; the message does not contain it."""
    if not isinstance(key, str) or not re.fullmatch(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", key):
        raise ValueError(f"a key of the noise is {2 * KEY_BYTES} hexadecimal digits in lower case")
    return key


def key_fingerprint(key: str) -> str:
    """Return 16 hexadecimal digits that tell keys apart and do not reveal them."""
    return hashlib.sha256(b"fingerprint of a noise key" + bytes.fromhex(key)).hexdigest()[:16]


def embedding_contents(x: Floats) -> list[bytes]:
    """Return the content of each embedding (N, D): the bytes of its row as little-endian float32.

    Tables hold float32 or less, so an embedding has the same content before and after it is stored.
    """
    return [row.tobytes() for row in np.asarray(x).astype("<f4")]


def keyed_normal(contents: Sequence[bytes], key: str, width: int) -> Floats:
    """Draw standard normal numbers (N, width), a function of the key and of each sample's content alone.

    SHAKE-256 of key and content gives 53 bits for each number, which the normal quantile function maps.
    Without the key they cannot be told from fresh draws; with it everybody can compute them.

    Args:
        contents: N byte strings, such as digests of image files; equal contents get equal numbers.
        key: 64 hexadecimal digits.
        width: numbers for each sample.
    """
    secret = bytes.fromhex(check_key(key))
    streams = b"".join(hashlib.shake_256(secret + content).digest(8 * width) for content in contents)
    bits = np.frombuffer(streams, "<u8").reshape(len(contents), width) >> 11
    return np.asarray(ndtri((bits + 0.5) / 2.0**53))
