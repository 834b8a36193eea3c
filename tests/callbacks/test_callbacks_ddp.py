import multiprocessing
import warnings

import pandas as pd
import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.strategies import DDPStrategy

from callbacks.group_fairness import GroupFairness
from callbacks.verification import Verification
from tests.support.callback_dummies import ATTRIBUTES, Classifier, ColumnData, samples


class Everything(Classifier):
    """Answers for both callbacks; in every process, a value that Lightning suspects to differ is an error."""

    def setup(self, stage):
        warnings.filterwarnings("error", message=".*sync_dist.*")

    def validation_step(self, batch, batch_idx):
        recognised = {"embedding": batch["point"], "identity": batch["identity"]}
        return {**super().validation_step(batch, batch_idx), **recognised}

    test_step = validation_step


def run(folder, strategy, devices):
    columns = samples()
    generator = torch.Generator().manual_seed(0)
    columns |= {"identity": torch.arange(13) % 4, "point": torch.randn(13, 3, generator=generator)}
    checkpoint = ModelCheckpoint(folder, monitor="val/tpr_gap", filename="best")
    groups = [["smiling"], list(ATTRIBUTES)[1:]]
    trainer = Trainer(
        accelerator="cpu",
        devices=devices,
        strategy=strategy,
        max_epochs=1,
        logger=CSVLogger(folder, name="", version="run"),
        callbacks=[GroupFairness(groups=groups), Verification(max_samples=10), checkpoint],
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )
    trainer.fit(Everything(), datamodule=ColumnData(columns, batch_size=2))
    assert (folder / "best.ckpt").exists()
    return {k: float(v) for k, v in trainer.callback_metrics.items()}


@pytest.mark.slow
def test_three_processes_log_and_write_what_one_does(tmp_path):
    # 13 samples: two processes get padding; smiling faces are all in the last batches
    # a clean server process imports the slow libraries once, for all tests that start ranks
    multiprocessing.set_forkserver_preload(["pytorch_lightning", "callbacks.group_fairness"])
    one = run(tmp_path / "one", "auto", 1)
    strategy = DDPStrategy(start_method="forkserver", process_group_backend="gloo")
    three = run(tmp_path / "three", strategy, 3)
    assert one["val/tpr_gap"] == 0.75
    assert 0 < one["val/verification_auc"] < 1
    assert three == pytest.approx(one, nan_ok=True)
    tables = [pd.read_csv(tmp_path / k / "run" / "group_rates_val.csv") for k in ("one", "three")]
    pd.testing.assert_frame_equal(*tables)
    assert (tmp_path / "three" / "run" / "figures" / "group_fairness_val.png").exists()
