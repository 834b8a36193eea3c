"""Erasers that an attacker of an audit knows."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.erasers.leace import fit_leace
from evaluation.erasers.stored_eraser import StoredEraser
from evaluation.erasers.transport_fit import fit_transport
from evaluation.samples.representations import Representations
from recipes.auditing.known_erasers import load_known_erasers
from recipes.command_line.usage_error import UsageError

N = 120


@pytest.fixture(scope="module")
def erased():
    """Embeddings before and after, and the eraser."""
    rng = np.random.default_rng(0)
    label = np.arange(N) % 2
    x = rng.normal(size=(N, 6)) * np.where(label[:, None] == 1, 2, 1) ** np.arange(6)
    eraser = fit_transport(x, label, components=4, sigma=0.5, key="11" * 32, steps=20)
    return x, eraser(x), eraser


def representations(before, after):
    label = np.arange(N) % 2
    return Representations(
        {"x": before, "phi": after}, {"a": label}, {"a": ("no", "yes")}, np.arange(N), np.full(N, -1),
        np.arange(N).astype(str),
    )  # fmt: skip


def stored(eraser, path):
    StoredEraser(eraser, {}, np.array(["a"])).save(path)
    return path


def test_the_key_is_not_known(erased, tmp_path):
    before, after, eraser = erased
    path = stored(eraser, tmp_path / "e.safetensors")
    found = load_known_erasers([f"phi={path}"], representations(before, after))
    assert list(found) == ["phi"]
    assert found["phi"].key is None
    np.testing.assert_array_equal(found["phi"].maps, eraser.maps)
    assert load_known_erasers([], representations(before, after)) == {}


def test_what_is_no_such_eraser_is_refused(erased, tmp_path):
    before, after, eraser = erased
    path = stored(eraser, tmp_path / "e.safetensors")
    linear = stored(fit_leace(before, np.arange(N) % 2), tmp_path / "leace.safetensors")
    data = representations(before, after)
    turned = after @ np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    for given, other, words in (
        (f"psi={path}", data, "no --after is called 'psi'; there are phi"),
        (f"phi={tmp_path / 'none'}", data, "no such eraser"),
        (f"phi={linear}", data, "maps all classes alike"),
        (f"phi={path}", representations(before, turned), "did not make phi of x"),
        (f"phi={path}", representations(before[:, :5], after), "did not make phi of x"),
        (f"phi={path}", representations(before, -after), "did not make phi of x"),
    ):
        with pytest.raises(UsageError, match=words):
            load_known_erasers([given], other)


def test_missing_samples_are_passed_over(erased, tmp_path):
    before, after, eraser = erased
    path = stored(replace(eraser, sigma=0.0), tmp_path / "e.safetensors")
    missing = after.copy()
    missing[:50] = np.nan
    assert load_known_erasers([f"phi={path}"], representations(before, missing))
