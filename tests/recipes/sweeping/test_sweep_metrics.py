"""Metrics of a training that was resumed in another folder."""

from math import isnan
from pathlib import Path

import pytest
import torch

from datamodules.errors import DatasetError
from lightning_modules.training.attribute_classifier import AttributeClassifier
from recipes.runs.resume import note_run
from recipes.sweeping.sweep_metrics import read_chance, read_test, read_validation
from tests.support import toy

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


def test_a_start_with_only_the_test_left_keeps_the_validation():
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


SMALL = [
    "--config=baseline.yaml", *toy.DATA, *toy.BACKBONE, *toy.QUIET, "--trainer.callbacks=null",
    "--trainer.max_epochs=2", "--data.init_args.train_identities=16", "--trainer.enable_model_summary=false",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # of toy lengths
@pytest.mark.parametrize("interval", ["0.5", "2", "1.0"])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_validation_is_that_of_the_checkpoints_step(interval, mode, monkeypatch):
    """Of a quantity that rises with every validation, the best is the first or the last of all."""
    values = iter(range(100))
    monkeypatch.setattr(AttributeClassifier, "on_validation_epoch_end", _logs(values))
    toy.run(
        monkeypatch, *SMALL, f"--trainer.val_check_interval={interval}", "--trainer.num_sanity_val_steps=0",
        "--checkpoint.monitor=val/count", f"--checkpoint.mode={mode}",
    )  # fmt: skip
    folder = toy.only_run(Path("runs"))
    rows = [float(row["val/count"]) for row in toy.metrics(folder) if row["val/count"]]
    assert rows == list(range({"0.5": 4, "2": 6, "1.0": 2}[interval]))
    assert read_validation(folder)["val/count"] == (rows[0] if mode == "min" else rows[-1])


def _logs(values):
    return lambda self: self.log("val/count", float(next(values)))


def write_scored(score: float, *rows: str) -> Path:
    """A folder whose checkpoint is of step 3 of epoch 0, and was chosen by that accuracy."""
    folder = write_part("1", "this", *rows, header="epoch,step,val/accuracy,val/loss")
    state = {"monitor": "val/accuracy", "best_model_path": "best.ckpt", "best_model_score": score}
    loops = {"fit_loop": {"epoch_loop.state_dict": {"_batches_that_stepped": 3}}}
    content = {"state_dict": {}, "epoch": 0, "loops": loops, "callbacks": {"ModelCheckpoint{}": state}}
    torch.save(content, folder / "checkpoints" / "best.ckpt")
    return folder


def test_the_row_of_the_step_is_found_among_an_epochs():
    folder = write_scored(0.8, "0,1,0.6,1", "0,3,0.8,", "0,3,,2", "0,6,0.7,3", "1,9,0.5,4")
    assert read_validation(folder) == {"val/accuracy": 0.8, "val/loss": 2}


def test_a_score_that_is_not_the_checkpoints_is_one_line():
    folder = write_scored(0.9, "0,3,0.8,1", "0,6,0.9,1")
    with pytest.raises(DatasetError, match=r"val/accuracy of epoch 0 is 0\.8, but best\.ckpt was .* by 0\.9"):
        read_validation(folder)


@pytest.mark.parametrize("content", ["", "epoch", "a,b\n1,2\n", "\xff\x00"])
def test_damaged_metrics_are_one_line(content):
    folder = write_scored(0.9)
    (folder / "metrics.csv").write_bytes(content.encode("latin1"))
    with pytest.raises(DatasetError, match=r"metrics\.csv (is missing or damaged|has no)"):
        read_validation(folder)
    with pytest.raises(DatasetError, match=r"metrics\.csv (is missing or damaged|has no)"):
        read_test(folder)
