import multiprocessing
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.admissible_leakage import AdmissibleLeakage, admissible_leakage
from callbacks.collapse_guard import CollapseGuard
from callbacks.leakage import Leakage
from callbacks.validation_leakage import ValidationLeakage
from callbacks.verification import Verification
from tests.support.callback_people import Following, People

KEPT, HIDDEN, LOST, ALL_LOST = [1.0, 1, 1, 1, 1], [0.0, 1, 1, 1, 1], [0.0, 3, 1, 0, 0], [0.0, 1, 0, 0, 0]


UNIT = st.one_of(st.sampled_from([0.0, 0.02, 0.5, 1.0]), st.floats(0, 1))
DROP = st.one_of(st.sampled_from([-0.1, 0.0, 0.02, 0.020000001]), st.floats(-0.5, 1))


@given(st.lists(st.tuples(UNIT, DROP), min_size=1, max_size=8), st.sampled_from([0.0, 0.02, 0.3]))
def test_the_smallest_is_the_least_admissible_leakage(checkpoints, max_drop):
    values = torch.tensor([admissible_leakage(*checkpoint, max_drop) for checkpoint in checkpoints])
    values = values.float()  # as they are logged
    leakage, drop = checkpoints[int(values.argmin())]
    admissible = [of for of in checkpoints if of[1] <= max_drop]
    if admissible:
        assert drop <= max_drop
        assert leakage == pytest.approx(min(of[0] for of in admissible), abs=1e-6)
        others = [v for v, of in zip(values, checkpoints, strict=True) if of[1] > max_drop]
        assert all(v > max(of[0] for of in admissible) for v in others), "none ties with an admissible one"
    else:
        assert drop == pytest.approx(min(of[1] for of in checkpoints), abs=1e-6)


def test_its_value_in_closed_form():
    assert admissible_leakage(0.3, 0.02, 0.02) == 0.3
    assert admissible_leakage(0.3, -0.5, 0.02) == 0.3, "a gain is no drop"
    assert admissible_leakage(0.3, 0.12, 0.02) == pytest.approx(2.1)
    assert np.isnan(admissible_leakage(0.3, float("nan"), 0.02))


def fit(folder, gains, *callbacks, module=Following, ckpt_path=None, **options):
    checkpoint = ModelCheckpoint(
        folder, monitor="val/admissible_leakage", filename="{epoch}", save_on_train_epoch_end=False
    )
    own = AdmissibleLeakage("emotion", max_drop=0.02, **options.pop("admissible", {}))
    trainer = Trainer(
        accelerator="cpu", max_epochs=len(gains), logger=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[*callbacks, own, checkpoint], **{"devices": 1, **options},
    )  # fmt: skip
    data = People(traits=3, cut=1)  # two processes get padding
    trainer.fit(module(*gains), datamodule=data, ckpt_path=ckpt_path, weights_only=True)
    return trainer, checkpoint


def watchers():
    probes = ValidationLeakage(["emotion"], families=["linear"])
    return [Verification(before=True), CollapseGuard(), probes, Leakage(["emotion"], families=["linear"])]


@pytest.mark.parametrize(
    ("gains", "best"),
    [
        ([KEPT, HIDDEN, LOST], 1),
        ([ALL_LOST, LOST, KEPT, HIDDEN], 3),
        ([LOST, KEPT, ALL_LOST], 1),  # what leaks everything but is of use
        ([ALL_LOST, LOST], 1),  # none is admissible: the one that lost least
    ],
)
def test_the_checkpoint_that_is_kept(gains, best, tmp_path):
    _, checkpoint = fit(tmp_path, gains, *watchers())
    assert checkpoint.best_model_path.endswith(f"epoch={best}.ckpt")
    assert (checkpoint.best_model_score > 2) == (KEPT not in gains and HIDDEN not in gains)


def test_going_on_from_a_checkpoint_measures_the_same(tmp_path):
    gains = [HIDDEN, KEPT, LOST]
    whole, kept = fit(tmp_path / "whole", gains, *watchers())
    rest, _ = fit(tmp_path / "rest", gains, *watchers(), ckpt_path=kept.best_model_path)
    logged = [{k: float(v) for k, v in trainer.callback_metrics.items()} for trainer in (whole, rest)]
    assert len(logged[0]) == 7
    assert logged[0] == logged[1]


def test_the_test_says_the_same_of_other_people(tmp_path):
    trainer, _ = fit(tmp_path, [HIDDEN], *watchers())
    trainer.test(trainer.lightning_module, datamodule=People(traits=3), verbose=False)
    logged = trainer.callback_metrics
    assert logged["test/verification_auc/before"] < logged["test/verification_auc"]
    assert logged["test/admissible_leakage"] == logged["test/leakage/emotion"] == 0.5


def test_a_classifier_keeps_its_accuracy_beside_a_reference(tmp_path):
    class Accurate(Following):
        def validation_step(self, batch, batch_idx):
            self.log("val/accuracy", [0.9, 0.88, 0.5][self.current_epoch], batch_size=1)

    probes = ValidationLeakage(["emotion"], families=["linear"])
    options = {"admissible": {"utility": "accuracy", "reference": 0.9}}
    for last, score in ((1, 1.0), (2, 0.5), (3, 2.38)):
        gains = [KEPT, HIDDEN, HIDDEN][:last]
        trainer, _ = fit(tmp_path / str(last), gains, probes, module=Accurate, **options)
        assert trainer.callback_metrics["val/admissible_leakage"] == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize(
    ("callbacks", "missing"),
    [
        ([Verification(before=True)], "val/leakage/emotion"),
        ([ValidationLeakage(["emotion"], families=["linear"])], "val/verification_auc"),
        (
            [Verification(), ValidationLeakage(["emotion"], families=["linear"])],
            "val/verification_auc/before",
        ),
    ],
)
def test_a_metric_that_nothing_logs_is_one_clear_error(callbacks, missing, tmp_path):
    with pytest.raises(MisconfigurationException, match=f"reads {missing}, which nothing has logged"):
        fit(tmp_path, [KEPT], *callbacks)


def test_options():
    assert AdmissibleLeakage("emotion").required_attributes == {"emotion"}
    with pytest.raises(ValueError, match="0 or more"):
        AdmissibleLeakage("emotion", max_drop=-0.1)


class Suspicious(Following):
    """In every process, a value that Lightning suspects to differ is an error."""

    def setup(self, stage):
        warnings.filterwarnings("error", message=".*sync_dist.*")


@pytest.mark.slow
def test_two_processes_log_and_keep_what_one_does(tmp_path):
    multiprocessing.set_forkserver_preload(["pytorch_lightning", "callbacks.leakage"])
    gains = [LOST, HIDDEN]
    one, kept = fit(tmp_path / "one", gains, *watchers(), module=Suspicious)
    strategy = DDPStrategy(start_method="forkserver", process_group_backend="gloo")
    two, also = fit(tmp_path / "two", gains, *watchers(), module=Suspicious, devices=2, strategy=strategy)
    logged = [{k: float(v) for k, v in trainer.callback_metrics.items()} for trainer in (one, two)]
    assert logged[1] == pytest.approx(logged[0])
    assert len(logged[0]) == 7
    assert kept.best_model_path.endswith("epoch=1.ckpt")
    assert also.best_model_path.endswith("epoch=1.ckpt")
