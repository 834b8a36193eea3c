import math

import pandas as pd
import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import CSVLogger, WandbLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.verification import Verification
from evaluation.verification.all_pairs import verification
from tests.support.callback_dummies import Classifier, ColumnData, Recogniser, samples
from tests.support.callback_people import Following, People, columns
from tests.support.wandb_offline import history


def make_trainer(folder, *callbacks, **options):
    return Trainer(
        accelerator="cpu",
        devices=1,
        callbacks=list(callbacks),
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        **{"logger": False} | options,
    )


@pytest.fixture
def points():
    generator = torch.Generator().manual_seed(0)
    identity = torch.arange(13) % 4
    point = torch.randn(4, 3, generator=generator)[identity] + torch.randn(13, 3, generator=generator)
    identity[5] = -1
    return {"point": point, "identity": identity}


def test_fit_and_test_log_the_result_of_the_whole_split(tmp_path, points):
    expected = verification(points["point"], points["identity"])
    assert 0 < expected.eer < expected.auc < 1
    data, module = ColumnData(points), Recogniser()
    trainer = make_trainer(tmp_path, Verification(), max_epochs=2, num_sanity_val_steps=2)
    trainer.fit(module, datamodule=data)
    assert trainer.callback_metrics["val/verification_auc"] == pytest.approx(expected.auc)
    assert trainer.callback_metrics["val/verification_eer"] == pytest.approx(expected.eer)
    trainer.test(module, datamodule=data, verbose=False)
    assert trainer.callback_metrics["test/verification_auc"] == pytest.approx(expected.auc)
    assert trainer.callback_metrics["test/verification_eer"] == pytest.approx(expected.eer)


@pytest.mark.parametrize("k", [4, 7, 12])
def test_max_samples_takes_the_first_of_the_split(tmp_path, points, k):
    expected = verification(points["point"][:k], points["identity"][:k])
    trainer = make_trainer(tmp_path, Verification(max_samples=k))
    trainer.validate(Recogniser(), datamodule=ColumnData(points), verbose=False)
    found = float(trainer.callback_metrics["val/verification_auc"])
    assert found == pytest.approx(expected.auc, nan_ok=True)
    assert math.isnan(found) == (k == 4)  # four people, no genuine pair yet


def test_needs_embeddings(tmp_path):
    with pytest.raises(MisconfigurationException, match="Classifier to return 'embedding' and 'identity'"):
        make_trainer(tmp_path, Verification()).validate(Classifier(), datamodule=ColumnData(samples()))


def test_one_sample_makes_no_pair():
    with pytest.raises(ValueError, match="max_samples must be at least 2"):
        Verification(max_samples=1)


@pytest.mark.parametrize("k", [5000, 22])
def test_before_is_the_initial_backbone_on_the_same_samples(tmp_path, k):
    gain = [1.0, 0, 1, 0.5]
    callback = Verification(max_samples=k, before=True)
    trainer = make_trainer(tmp_path, callback, max_epochs=2, num_sanity_val_steps=2)
    module = Following(gain, gain)
    trainer.fit(module, datamodule=People(traits=2))
    logged = dict(trainer.callback_metrics)
    trainer.test(module, datamodule=People(traits=2), verbose=False)
    logged |= trainer.callback_metrics
    for stage in ("val", "test"):
        known = {name: column[:k] for name, column in columns(stage, traits=2).items()}
        for name, point in (("", known["point"] * torch.tensor(gain)), ("/before", known["point"])):
            found = float(logged[f"{stage}/verification_auc{name}"])
            assert found == pytest.approx(verification(point, known["identity"]).auc)


def test_before_is_computed_once(tmp_path):
    calls = []

    class Counting(torch.nn.Identity):
        def forward(self, x):
            calls.append(self)
            return x

    module = Following([1.0, 1], [1.0, 1], [1.0, 1])
    module.backbone = Counting()
    callback = Verification(before=True)
    trainer = make_trainer(tmp_path, callback, max_epochs=3, num_sanity_val_steps=0)
    trainer.fit(module, datamodule=People())
    assert len([c for c in calls if c is not module.backbone]) == 6, "the batches of one epoch"
    assert len(calls) == 6 + 3 * 6


def test_before_needs_a_backbone(tmp_path, points):
    trainer = make_trainer(tmp_path, Verification(before=True), max_epochs=1)
    with pytest.raises(MisconfigurationException, match="needs a module with a backbone, not Recogniser"):
        trainer.fit(Recogniser(), datamodule=ColumnData(points))


def fit_and_test(folder, **data):
    loggers = [
        CSVLogger(folder, name="", version=""),
        WandbLogger(save_dir=folder, offline=True, project="tests"),
    ]
    callback = Verification(before=True)
    trainer = make_trainer(folder, callback, **{"max_epochs": 1, "log_every_n_steps": 1, "logger": loggers})
    module = Following([1.0, 0, 1, 0.5])
    trainer.fit(module, datamodule=People(**data))
    trainer.test(module, datamodule=People(**data), verbose=False)
    loggers[1].experiment.finish()
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


@pytest.mark.slow
def test_a_test_leaves_a_table_and_curves_before_and_after(tmp_path):
    logged = fit_and_test(tmp_path, traits=2)
    table = pd.read_csv(tmp_path / "verification.csv").set_index("representation")
    assert table.index.tolist() == ["before", "after"]
    assert table.loc["after", "auc"] == pytest.approx(logged["test/verification_auc"])
    assert table.loc["before", "auc"] == pytest.approx(logged["test/verification_auc/before"])
    assert (table["genuine"] == 10 * 6).all()
    names = [f"verification_{what}.{kind}" for what in ("roc", "scores") for kind in ("png", "svg")]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == names
    sent = history(tmp_path)
    assert sent["test/verification/_type"] == "table-file"
    assert sent["test/verification/nrows"] == 2
    assert sent["test/verification_roc/_type"] == sent["test/verification_scores/_type"] == "images/separated"


def test_without_genuine_pairs_there_is_nothing_to_report(tmp_path):
    trainer = make_trainer(tmp_path, Verification(), logger=CSVLogger(tmp_path, name="", version=""))
    points = {"point": torch.randn(5, 3), "identity": torch.arange(5)}
    trainer.test(Recogniser(), datamodule=ColumnData(points), verbose=False)
    assert not (tmp_path / "verification.csv").exists()
