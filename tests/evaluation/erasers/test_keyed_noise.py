"""Keyed noise: a function of key and content alone, standard normal, independent for another key."""

import hashlib

import numpy as np
import pytest
from scipy.stats import kstest, norm

from evaluation.erasers.keyed_noise import (
    check_key,
    draw_key,
    embedding_contents,
    key_fingerprint,
    keyed_normal,
)

KEY, OTHER = "11" * 32, "22" * 32
CONTENTS = [str(number).encode() for number in range(500)]


def test_the_same_content_and_key_give_the_same_bytes():
    noise = keyed_normal(CONTENTS, KEY, 32)
    order = np.random.default_rng(0).permutation(len(CONTENTS))
    again = keyed_normal([CONTENTS[row] for row in order], KEY, 32)
    assert again.tobytes() == noise[order].tobytes()
    np.testing.assert_array_equal(keyed_normal(CONTENTS[:1], KEY, 8)[0], noise[0, :8])


def test_it_is_shake_256_through_the_normal_quantile():
    stream = hashlib.shake_256(bytes.fromhex(KEY) + b"face").digest(16)
    uniform = [((int.from_bytes(stream[at : at + 8], "little") >> 11) + 0.5) / 2**53 for at in (0, 8)]
    np.testing.assert_allclose(keyed_normal([b"face"], KEY, 2)[0], norm.ppf(uniform), rtol=1e-12)


def test_it_is_standard_normal():
    noise = keyed_normal(CONTENTS, KEY, 64)
    assert kstest(noise.ravel(), "norm").pvalue > 0.01
    assert kstest(noise.ravel() * 1.05, "norm").pvalue < 0.01
    correlation = np.corrcoef(noise.T) - np.eye(64)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(CONTENTS))


def test_another_key_gives_independent_noise():
    here, there = (keyed_normal(CONTENTS, key, 64).ravel() for key in (KEY, OTHER))
    assert abs(np.corrcoef(here, there)[0, 1]) < 4 / np.sqrt(len(here))
    assert np.corrcoef(here, here)[0, 1] == pytest.approx(1)


def test_drawn_keys_are_valid_and_differ():
    first, second = draw_key(), draw_key()
    assert check_key(first) == first != second
    assert key_fingerprint(first) != key_fingerprint(second)
    assert key_fingerprint(first) not in first


@pytest.mark.parametrize("key", ["", "1", "AB" * 32, "11" * 31, 7, None])
def test_a_malformed_key_is_refused_and_not_printed(key):
    with pytest.raises(ValueError, match="64 hexadecimal digits") as caught:
        keyed_normal(CONTENTS, key, 4)
    assert not key or str(key) not in str(caught.value).replace("64", "")


def test_the_content_of_an_embedding_is_its_float32_bytes():
    x = np.random.default_rng(0).normal(size=(3, 5))
    assert embedding_contents(x) == embedding_contents(x.astype(np.float32))
    assert len(set(embedding_contents(x))) == 3
