import math
import re

import pytest
import torch
from callback_dummies import ColumnData, OneWeight, samples
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint

from callbacks.finite_loss import FiniteLoss, NonFiniteLossError


class Breaks(OneWeight):
    """The loss of one batch has the given value."""

    def __init__(self, value, at=3, automatic=True):
        super().__init__()
        self.value, self.at, self.automatic_optimization, self.seen = value, at, automatic, []

    def training_step(self, batch, batch_idx):
        self.seen.append(batch_idx)
        loss = super().training_step(batch, batch_idx)
        loss = loss * self.value if batch_idx == self.at else loss
        return loss if self.automatic_optimization else {"loss": loss.detach()}


def fit(module, folder, *callbacks):
    Trainer(
        accelerator="cpu",
        devices=1,
        callbacks=[FiniteLoss(), *callbacks],
        default_root_dir=folder,
        logger=False,
        max_epochs=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=bool(callbacks),
    ).fit(module, datamodule=ColumnData(samples(), batch_size=2))


@pytest.mark.parametrize("automatic", [True, False])
@pytest.mark.parametrize("value", [math.nan, math.inf])  # 0 * inf is nan as well
def test_stops_at_the_batch_that_broke(tmp_path, value, automatic):
    module = Breaks(value, automatic=automatic)
    with pytest.raises(NonFiniteLossError) as error:
        fit(module, tmp_path)
    steps = 4 if automatic else 0  # a module that optimises manually counts its own steps
    assert f"loss is nan in epoch 0, batch 3 (global step {steps}). No checkpoint" in str(error.value)
    assert "lower learning rate" in str(error.value)
    assert "it is 32-true" in str(error.value)
    assert module.seen == [0, 1, 2, 3]


def test_infinite_is_named_so(tmp_path):
    module = Breaks(math.inf)
    with torch.no_grad():
        module.weight.fill_(1)
    with pytest.raises(NonFiniteLossError, match="loss is inf"):
        fit(module, tmp_path)


@pytest.mark.parametrize("save_last", [True, False])
def test_names_the_checkpoint_to_resume_from(tmp_path, save_last):
    checkpoint = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=2, save_last=save_last)
    with pytest.raises(NonFiniteLossError) as error:
        fit(Breaks(math.nan), tmp_path, checkpoint)
    name = "last.ckpt" if save_last else "step=2.ckpt"
    assert re.search(rf"Resume from {re.escape(str(tmp_path / name))}\.", str(error.value))


def test_a_sound_run_ends(tmp_path):
    module = Breaks(1.0)
    fit(module, tmp_path)
    assert module.seen == list(range(6))


class Skips(OneWeight):
    def training_step(self, batch, batch_idx):
        return None


def test_a_skipped_batch_is_no_error(tmp_path):
    fit(Skips(), tmp_path)


def test_a_manual_module_has_to_return_its_loss(tmp_path):
    module = Skips()
    module.automatic_optimization = False
    with pytest.raises(ValueError, match=r"needs Skips.training_step to return its loss"):
        fit(module, tmp_path)


def test_the_term_to_blame_is_named():
    outputs = {name: torch.tensor(value) for name, value in (("loss", math.nan), ("a", 1.0), ("b", math.inf))}
    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    with pytest.raises(NonFiniteLossError, match=r"loss is nan \(because of b\) in epoch 0"):
        FiniteLoss().on_train_batch_end(trainer, Breaks(1.0), outputs, None, 0)
