import math

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.collapse_guard import CollapseGuard
from evaluation.leakage.embedding_health import effective_rank, scale
from tests.support.callback_dummies import Classifier, ColumnData, samples
from tests.support.callback_people import Following, People, columns

HEALTHY, SHRUNK, LINE = [1.0, 1, 1, 1], [1e-5, 1e-5, 1e-5, 1e-5], [0.0, 0, 1, 0]


def run(folder, guard, *gains, **options):
    trainer = Trainer(
        accelerator="cpu", devices=1, callbacks=[guard], default_root_dir=folder, max_epochs=len(gains),
        logger=False, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        **options,
    )  # fmt: skip
    trainer.fit(Following(*gains), datamodule=People(traits=2, noise=0.2))
    return trainer


def test_figures_are_those_of_the_whole_split_without_padding(tmp_path):
    trainer = run(tmp_path, CollapseGuard(), [1.0, 1, 2, 3])
    now = columns("val", noise=0.2, traits=2)["point"] * torch.tensor([1.0, 1, 2, 3])
    assert trainer.callback_metrics["val/embedding_scale"] == pytest.approx(scale(now))
    assert trainer.callback_metrics["val/effective_rank"] == pytest.approx(effective_rank(now))


def test_max_samples_takes_the_first_of_the_split(tmp_path):
    trainer = run(tmp_path, CollapseGuard(max_samples=9), HEALTHY)
    now = columns("val", noise=0.2, traits=2)["point"][:9]
    assert trainer.callback_metrics["val/embedding_scale"] == pytest.approx(scale(now))


@pytest.mark.parametrize("gain", [SHRUNK, LINE, [0.0] * 4, [math.nan] * 4])
def test_a_collapse_is_warned_about_and_may_stop_the_training(gain, tmp_path):
    with pytest.warns(UserWarning, match="has collapsed"):
        trainer = run(tmp_path, CollapseGuard(), gain, HEALTHY, HEALTHY)
    assert trainer.current_epoch == 3
    with pytest.warns(UserWarning, match="has collapsed"):
        trainer = run(tmp_path, CollapseGuard(stop=True), HEALTHY, gain, HEALTHY)
    assert trainer.current_epoch == 2, "in the epoch of the collapse"


def test_a_healthy_embedding_is_left_alone(tmp_path, recwarn):
    assert run(tmp_path, CollapseGuard(stop=True), HEALTHY, HEALTHY).current_epoch == 2
    lax = CollapseGuard(min_relative_scale=1e-6, min_effective_rank=1.0, stop=True)
    assert run(tmp_path, lax, SHRUNK, LINE).current_epoch == 2
    assert not [w for w in recwarn if "collapsed" in str(w.message)]


def test_the_scale_is_relative_to_the_initial_backbone(tmp_path):
    module = Following(HEALTHY)
    module.backbone = torch.nn.Linear(4, 4, bias=False)
    module.backbone.weight.data = torch.eye(4)

    def shrink(batch, batch_idx):
        module.backbone.weight.data.mul_(1e-5)
        return module.weight.square().sum()

    module.training_step = shrink
    guard = CollapseGuard(stop=True)
    trainer = Trainer(
        accelerator="cpu", devices=1, callbacks=[guard], default_root_dir=tmp_path, max_epochs=3,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        limit_train_batches=1, logger=False,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="has collapsed"):
        trainer.fit(module, datamodule=People(traits=2, noise=0.2))
    assert trainer.current_epoch == 1
    point = columns("val", noise=0.2, traits=2)["point"]
    assert guard.source_scale == pytest.approx(scale(point))


def test_a_validation_alone_logs_and_judges_nothing(tmp_path, recwarn):
    trainer = Trainer(
        accelerator="cpu", devices=1, callbacks=[CollapseGuard()], default_root_dir=tmp_path, logger=False,
        enable_progress_bar=False,
    )  # fmt: skip
    module = Following(SHRUNK)
    module.gain.mul_(1e-5)
    trainer.validate(module, datamodule=People(traits=2), verbose=False)
    assert trainer.callback_metrics["val/embedding_scale"] < 1e-4
    assert not [w for w in recwarn if "collapsed" in str(w.message)]


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 or more"):
        CollapseGuard(min_effective_rank=-1)
    trainer = Trainer(accelerator="cpu", callbacks=[CollapseGuard()], logger=False, default_root_dir=tmp_path)
    with pytest.raises(MisconfigurationException, match="needs a module with a backbone, not Classifier"):
        trainer.validate(Classifier(), datamodule=ColumnData(samples()))
