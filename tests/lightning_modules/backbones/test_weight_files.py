"""Weights files: what is read, and what is refused before it can do harm."""

import os
import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lightning_modules.backbones.weight_files import load_exactly, read_state
from storage.checkpoints import WeightsError


class Python2Pickler(pickle._Pickler):
    """Writes what Python 2 wrote: byte strings as BINSTRING, which the reader has to take as latin1."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, data: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(data)

    dispatch[bytes] = save_bytes


ARRAYS = {
    "conv.weight": np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32),
    "steps": np.array(250, dtype=np.int64),
    "scalar": np.float32(0.25),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_arrays_of_every_protocol_and_numpy_are_read(tmp_path, protocol, module):
    path = tmp_path / "weights.pkl"
    data = pickle.dumps(ARRAYS, protocol=protocol)
    if protocol < 4:  # later protocols prefix names with their length
        data = data.replace(b"numpy._core.multiarray", module)
        assert module in data
    path.write_bytes(data)
    state = read_state(path)
    assert state.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(state[name].numpy(), array)


def test_a_pickle_of_python_2_is_read(tmp_path):
    path = tmp_path / "weights.pkl"
    with path.open("wb") as file:
        Python2Pickler(file, protocol=2).dump(ARRAYS)
    assert b"_codecs" not in path.read_bytes()
    np.testing.assert_array_equal(read_state(path)["conv.weight"].numpy(), ARRAYS["conv.weight"])


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("name", ["weights.pkl", "weights.pth"])
def test_a_pickle_that_runs_a_command_is_refused_and_not_run(tmp_path, name):
    mark, path = tmp_path / "mark", tmp_path / name
    hostile = Hostile(os.system, f"touch {mark}")
    if name.endswith(".pkl"):
        path.write_bytes(pickle.dumps({"a": hostile}))
    else:
        torch.save({"a": hostile}, path)
    with pytest.raises(WeightsError, match="(posix|nt).system"):
        read_state(path)
    assert not mark.exists()
    pickle.loads(pickle.dumps(hostile))  # the control: this pickle does run its command
    assert mark.exists()


@pytest.mark.parametrize("function", [eval, getattr, np.load, np.lib.format.read_array, OrderedDict])
def test_any_other_global_is_named(tmp_path, function):
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps(function))
    with pytest.raises(WeightsError, match=f"{function.__module__}.{function.__qualname__}"):
        read_state(path)


def test_codecs_other_than_that_of_arrays_are_refused(tmp_path):
    path = tmp_path / "weights.pkl"
    path.write_bytes(b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.")
    with pytest.raises(WeightsError, match="rot13"):
        read_state(path)


@pytest.mark.parametrize("suffix", [".pkl", ".pth", ".safetensors"])
def test_damaged_files_are_reported_in_one_line_with_the_path(tmp_path, suffix):
    path = tmp_path / f"weights{suffix}"
    tensors = {"a": torch.arange(1000.0), "b": torch.ones(1000)}
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps({k: v.numpy() for k, v in tensors.items()}))
    elif suffix == ".pth":
        torch.save(tensors, path)
    else:
        save_file(tensors, path)
    whole = path.read_bytes()
    assert read_state(path).keys() == tensors.keys()
    for size in (0, 1, 9, 60, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(WeightsError) as error:
            read_state(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": torch.tensor([1.0, float("nan")])}, "a holds values that are not finite"),
        ({"model": {"a": torch.ones(1)}}, "model is a dict; expected a flat dict"),
    ],
)
def test_values_that_are_not_finite_tensors_are_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match=message):
        read_state(tmp_path / "weights.pth")


def test_missing_files_and_unknown_kinds_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="nowhere.pth: there is no such weights file"):
        read_state("nowhere.pth")
    (tmp_path / "weights.h5").touch()
    with pytest.raises(WeightsError, match=r"weights.h5: weights are read from .pkl, .pth"):
        read_state(tmp_path / "weights.h5")


def test_every_weight_must_be_given_but_the_batch_counter():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    state = {name: torch.ones_like(tensor) for name, tensor in network.state_dict().items()}
    del state["1.num_batches_tracked"]
    load_exactly(network, state, "w")
    assert all((tensor == 1).all() for n, tensor in network.state_dict().items() if "num_b" not in n)
    with pytest.raises(WeightsError, match=r"w: .* 1 missing \(0.bias\)"):
        load_exactly(network, {n: t for n, t in state.items() if n != "0.bias"}, "w")
    with pytest.raises(WeightsError, match=r"1 unexpected \(fc\)"):
        load_exactly(network, state | {"fc": torch.ones(1)}, "w")
    with pytest.raises(WeightsError, match=r"1 of another shape \(0.bias\)"):
        load_exactly(network, state | {"0.bias": torch.ones(5)}, "w")
