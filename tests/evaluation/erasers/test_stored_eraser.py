"""The file of an eraser: it applies bit for bit as before, keeps no key, and damage is one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from evaluation.erasers.leace import fit_leace
from evaluation.erasers.matching_fit import fit_matching
from evaluation.erasers.noise import fit_noise
from evaluation.erasers.stored_eraser import EraserFileError, StoredEraser
from evaluation.erasers.transport_fit import fit_transport

KEY = "11" * 32
RNG = np.random.default_rng(0)
LABEL = np.arange(200) % 2
X = RNG.normal(size=(200, 6)) * (1 + LABEL[:, None])
NEW = RNG.normal(size=(50, 6))
FACTS = {"eraser": "transport", "erased": "gender"}
IDS = np.array(["a", "b\nc", "ü"])
ERASERS = {
    "transport": fit_transport(X, LABEL, components=3, steps=10, key=KEY),
    "leace in components": fit_transport(X, LABEL, components=3, erasure="leace", key=KEY),
    "matching": fit_matching(X, LABEL, np.arange(200) // 4, dimensions=3, hidden=8, steps=2),
    "leace": fit_leace(X, LABEL),
    "noise": fit_noise(X, 0.5),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "eraser.safetensors"
    StoredEraser(ERASERS["transport"], FACTS, IDS).save(path)
    return path


@pytest.mark.parametrize("name", ERASERS)
def test_a_loaded_eraser_applies_bit_for_bit_as_before(name, tmp_path):
    stored = StoredEraser(ERASERS[name], FACTS, IDS)
    stored.save(tmp_path / "first")
    loaded = StoredEraser.load(
        tmp_path / "first", KEY if "components" in name or name == "transport" else None
    )
    for x in (X, NEW):
        assert loaded.eraser(x).tobytes() == ERASERS[name](x).tobytes()
    assert loaded.provenance == FACTS
    np.testing.assert_array_equal(loaded.learned_from, IDS)
    loaded.save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_the_file_does_not_hold_the_key(path):
    content = path.read_bytes()
    assert KEY.encode() not in content
    assert bytes.fromhex(KEY) not in content
    keyless = StoredEraser.load(path).eraser
    with pytest.raises(ValueError, match="needs its key"):
        keyless(NEW)
    np.testing.assert_array_equal(replace(keyless, sigma=0)(NEW), replace(ERASERS["transport"], sigma=0)(NEW))
    with pytest.raises(EraserFileError, match="the key is not the one"):
        StoredEraser.load(path, "22" * 32)


def rewritten(path, change):
    """Write the file again after a change of its tensors and header, with the checksum of the old."""
    with safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()["eraser"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(tensors, header)
    save_file(tensors, path, metadata={"eraser": json.dumps(header)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, h: t["maps"].__setitem__((0, 0, 0), 9.0), "checksum"),
        (lambda t, h: t.pop("maps"), "checksum"),
        (lambda t, h: h.update(version=2), "version is 2"),
        (lambda t, h: h.update(kind="os.system"), "lacks 'os.system'"),
        (lambda t, h: h["values"].update(sigma="much"), "damaged"),
        (lambda t, h: h["values"].update(sigma=-1), "sigma is 0 or more"),
        (lambda t, h: h["values"].update(unknown="x"), "damaged"),
        (lambda t, h: h["values"].pop("sigma"), "damaged"),
        (lambda t, h: h.pop("values"), "lacks 'values'"),
        (lambda t, h: h.update(provenance=3), "damaged"),
        (lambda t, h: h.update(kind="noise"), "damaged"),
    ],
)
def test_a_damaged_file_is_one_line(path, change, message):
    rewritten(path, change)
    with pytest.raises(EraserFileError, match=message) as caught:
        StoredEraser.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 100, b'{"a": 1}'])
def test_another_kind_of_file_is_one_line(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(EraserFileError, match="damaged or no fitted eraser"):
        StoredEraser.load(tmp_path / "x")
    with pytest.raises(EraserFileError, match="no such eraser"):
        StoredEraser.load(tmp_path / "missing")


def test_a_truncated_file_is_one_line(path):
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(EraserFileError, match="damaged"):
        StoredEraser.load(path)


@pytest.mark.parametrize("name", ["axes", "router.points", "router.folds", "target"])
def test_arrays_that_do_not_fit_are_refused(name, monkeypatch, path):
    monkeypatch.setattr("evaluation.erasers.stored_eraser._digest", lambda tensors: "same")
    rewritten(path, lambda t, h: (t.update({name: t[name][..., :2]}), h.update(sha256="same")))
    with pytest.raises(EraserFileError, match="fit"):
        StoredEraser.load(path)


def test_numbers_that_are_not_finite_are_refused(monkeypatch, path):
    monkeypatch.setattr("evaluation.erasers.stored_eraser._digest", lambda tensors: "same")
    rewritten(path, lambda t, h: (t["mean"].fill(np.nan), h.update(sha256="same")))
    with pytest.raises(EraserFileError, match="not finite"):
        StoredEraser.load(path)
