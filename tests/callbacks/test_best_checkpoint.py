"""Kept checkpoints are carried to the folder of the resumed run, if they are readable and its own."""

from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer

from callbacks.best_checkpoint import BestCheckpoint
from recipes.runs.checkpoint_io import SafeCheckpointIO

SCORES = (0.9, 0.5, 0.6, 0.7)  # of the epochs; the first is never beaten


class Scored(LightningModule):
    """Logs the scores, and learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch, batch_idx):
        return self.layer(batch).mean()

    def validation_step(self, batch, batch_idx):
        self.log("val/score", SCORES[self.current_epoch])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(folder: Path, epochs: int, start: Path | None = None) -> BestCheckpoint:
    """Train to so many epochs, in a folder of its own."""
    best = BestCheckpoint(
        dirpath=folder, monitor="val/score", mode="max", filename="best", auto_insert_metric_name=False
    )
    last = BestCheckpoint(dirpath=folder, filename="last", save_top_k=1, enable_version_counter=False)
    trainer = Trainer(
        default_root_dir=folder, max_epochs=epochs, callbacks=[best, last], plugins=[SafeCheckpointIO()],
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    data = torch.utils.data.DataLoader(torch.ones(2, 2))
    trainer.fit(Scored(), data, data, ckpt_path=start, weights_only=True)
    return best


def epoch_of(path: str | Path) -> int:
    return torch.load(path, weights_only=True)["epoch"]


@pytest.fixture
def first(tmp_path) -> Path:
    train(tmp_path / "first", 2)
    return tmp_path / "first"


def test_a_best_that_is_not_beaten_is_carried_over(first, tmp_path):
    best = train(tmp_path / "second", 4, first / "last.ckpt")
    assert (best.best_model_path, float(best.best_model_score)) == (
        str(tmp_path / "second" / "best.ckpt"), pytest.approx(0.9),
    )  # fmt: skip
    assert epoch_of(best.best_model_path) == 0


def test_it_is_found_where_the_folder_was_moved(first, tmp_path):
    moved = first.rename(tmp_path / "moved")
    assert epoch_of(train(tmp_path / "second", 4, moved / "last.ckpt").best_model_path) == 0


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "another"])
def test_a_damaged_best_is_dropped_and_the_next_is_the_best(damage, first, tmp_path):
    best = first / "best.ckpt"
    content = bytearray(best.read_bytes())
    if damage == "cut":
        best.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        weight = torch.load(best, weights_only=True)["state_dict"]["layer.weight"].numpy().tobytes()
        content[content.index(weight)] ^= 1
        best.write_bytes(content)
    elif damage == "gone":
        best.unlink()
    else:  # written since, so that its score is not the one that is to be beaten
        checkpoint = torch.load(best, weights_only=True)
        next(v for k, v in checkpoint["callbacks"].items() if "val/score" in k)["current_score"] += 0.05
        torch.save(checkpoint, best)
    with pytest.warns(UserWarning, match=r"not carried over, the next counts as the best: .*best\.ckpt"):
        second = train(tmp_path / "second", 4, first / "last.ckpt")
    assert float(second.best_model_score) == pytest.approx(0.7)
    assert epoch_of(second.best_model_path) == 3


def test_a_file_that_a_strangers_checkpoint_names_is_not_copied(first, tmp_path):
    secret, last = tmp_path / "secret" / "best.ckpt", first / "last.ckpt"
    secret.parent.mkdir()
    secret.write_text("password")
    checkpoint = torch.load(last, weights_only=True)
    for state in checkpoint["callbacks"].values():
        state |= {"best_model_path": str(secret), "best_k_models": {str(secret): torch.tensor(0.9)}}
    alone = tmp_path / "alone" / "theirs.ckpt"
    alone.parent.mkdir()
    torch.save(checkpoint, alone)
    with pytest.warns(UserWarning, match="not carried over"):
        train(tmp_path / "second", 3, alone)
    assert b"password" not in b"".join(file.read_bytes() for file in (tmp_path / "second").iterdir())


@pytest.mark.parametrize("name", ["notes.txt", "../first/best.ckpt/..", ".ckpt"])
def test_only_checkpoints_are_copied(name, first, tmp_path):
    (first / "notes.txt").write_text("private")
    last = first / "last.ckpt"
    checkpoint = torch.load(last, weights_only=True)
    for state in checkpoint["callbacks"].values():
        state["best_model_path"] = str(first / name)
    torch.save(checkpoint, last)
    with pytest.warns(UserWarning, match="not carried over"):
        train(tmp_path / "second", 3, last)
    assert {file.name for file in (tmp_path / "second").iterdir()} == {"best.ckpt", "last.ckpt"}
