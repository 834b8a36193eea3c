"""The metadata of weights files: what they state of the input, and what is refused."""

import json

import pytest
import torch
from safetensors.torch import save_file

from lightning_modules.backbones.stated_input import stated_options
from storage.checkpoints import WeightsError


def write(path, metadata):
    save_file({"a": torch.ones(1)}, path, metadata=metadata)
    return path


def test_the_fields_of_the_input_are_read_and_no_others(tmp_path):
    entry = {
        "input_size": 160,
        "channel_order": "bgr",
        "normalisation": "Per-image: (x - m) / s",
        "trainable": 1,
    }
    path = write(tmp_path / "w.safetensors", {"preprocessing": json.dumps(entry), "width": "9"})
    assert stated_options(path) == {"input_size": 160, "channel_order": "bgr", "normalisation": "per_image"}
    path = write(
        tmp_path / "w.safetensors", {"preprocessing": '{"normalisation": "fixed: (x - 127.5) / 128"}'}
    )
    assert stated_options(path) == {"normalisation": "fixed"}


def test_files_that_state_nothing_give_nothing(tmp_path):
    assert stated_options(write(tmp_path / "w.safetensors", {"format": "pt"})) == {}
    assert stated_options(write(tmp_path / "w.safetensors", None)) == {}
    assert stated_options(tmp_path / "w.pt") == {}


@pytest.mark.parametrize(
    "entry",
    [
        "{", "[]", "null", "[" * 100_000, '{"input_size": "160"}', '{"input_size": 1e9}',
        '{"input_size": -1}', '{"input_size": 1000000000}', '{"input_size": [160]}',
        '{"channel_order": "grb"}', '{"channel_order": {}}',
        '{"normalisation": "whitening"}', '{"normalisation": 3}', '{"normalisation": ["per_image\\n"]}',
    ],
)  # fmt: skip
def test_hostile_metadata_are_one_line(tmp_path, entry):
    path = write(tmp_path / "w.safetensors", {"preprocessing": entry})
    with pytest.raises(WeightsError, match=r"w.safetensors: its metadata") as error:
        stated_options(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
