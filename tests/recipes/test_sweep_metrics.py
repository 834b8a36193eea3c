"""What a training's folders say where it went on from an earlier start."""

from math import isnan
from pathlib import Path

import pytest
import torch

from datamodules.errors import DatasetError
from recipes.resume import note_run
from recipes.sweep_metrics import read_chance, read_test, read_validation

LEAKAGE = "val/leakage/emotion"


def write_part(
    name: str, key: str, *rows: str, chance: float | None = None, header: str = "epoch,val/accuracy"
) -> Path:
    """A folder of one start; its best checkpoint is that of epoch 0."""
    folder = Path(name)
    (folder / "checkpoints").mkdir(parents=True)
    torch.save({"state_dict": {}, "epoch": 0}, folder / "checkpoints" / "best.ckpt")
    (folder / "metrics.csv").write_text("\n".join([header, *rows]) + "\n")
    note_run(folder, key, wandb_id=f"wandb_{key}")
    if chance is not None:
        (folder / "leakage_val.csv").write_text(f"attribute,chance\nemotion,{chance}\n")
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_validation_of_an_epoch_is_that_of_its_last_start():
    write_part("1", "this", "0,0.1", chance=0.1)
    write_part("2", "this", "0,0.2", "1,0.9", chance=0.2)
    last = write_part("3", "this", "2,0.8")
    assert read_validation(last) == {"val/accuracy": 0.2}
    assert read_chance(last, LEAKAGE) == 0.2


def test_a_start_that_had_only_the_test_left_has_its_own_test_and_the_validation_of_the_one_before():
    write_part("1", "this", "0,0.1", chance=0.1)
    last = write_part("2", "this", "2,0.7", header="epoch,test/accuracy")
    assert read_validation(last) == {"val/accuracy": 0.1}
    assert read_test(last) == {"test/accuracy": 0.7}


def test_another_training_beside_it_is_not_read():
    write_part("1", "other", "0,0.1", chance=0.1)
    last = write_part("2", "this", "2,0.8")
    with pytest.raises(DatasetError, match=r"2/metrics\.csv has no validation of epoch 0"):
        read_validation(last)
    assert isnan(read_chance(last, LEAKAGE))
