import math
import warnings

import pandas as pd
import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, WandbLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.group_fairness import GroupFairness
from tests.support.callback_dummies import (
    ATTRIBUTES,
    COUNTS,
    Classifier,
    ColumnData,
    OneWeight,
    Recogniser,
    samples,
)

EXPECTED = {
    "n/smiling=no": 8,
    "n/smiling=yes": 4,
    "accuracy/smiling=no": 6 / 8,
    "accuracy/smiling=yes": 1 / 4,
    "tpr/smiling=no": 3 / 4,
    "tpr/smiling=yes": 0,
    "fpr/smiling=no": 1 / 4,
    "fpr/smiling=yes": 1 / 2,
    "tnr/smiling=no": 3 / 4,
    "tnr/smiling=yes": 1 / 2,
    "selection_rate/smiling=no": 4 / 8,
    "selection_rate/smiling=yes": 1 / 4,
    "tpr": 3 / 6,
    "fpr": 2 / 6,
    "tnr": 4 / 6,
    "selection_rate": 5 / 12,
    "tpr_gap": 3 / 4,
    "equal_opportunity": 75,
    "equal_opportunity_annex": 25,
    "equalised_odds_gap": 3 / 4,
    "demographic_parity_gap": 1 / 4,
    "accuracy_gap": 1 / 2,
    "worst_group_accuracy": 1 / 4,
}


def make_trainer(folder, *callbacks, **options):
    options = {"logger": CSVLogger(folder, name="", version="run"), "max_epochs": 1} | options
    return Trainer(
        accelerator="cpu",
        devices=1,
        callbacks=list(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
        log_every_n_steps=1,
        **options,
    )


def metrics_of(trainer, stage):
    prefix = f"{stage}/"
    values = trainer.callback_metrics.items()
    return {k.removeprefix(prefix): float(v) for k, v in values if k.startswith(prefix)}


def test_sanity_batches_and_earlier_epochs_do_not_leak_in(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path, monitor="val/tpr_gap", mode="min", filename="best")
    trainer = make_trainer(
        tmp_path, GroupFairness(groups=[["smiling"]]), checkpoint, max_epochs=2, num_sanity_val_steps=2
    )
    with warnings.catch_warnings():
        # the sanity batches hold nobody who smiles, which is no news
        warnings.filterwarnings("error", message="GroupFairness")
        trainer.fit(Classifier(), datamodule=ColumnData(samples()))
    assert metrics_of(trainer, "val") == pytest.approx(EXPECTED)
    assert checkpoint.best_model_score == 0.75
    logged = pd.read_csv(tmp_path / "run" / "metrics.csv")["val/n/smiling=no"].dropna()
    assert logged.tolist() == [8, 8]  # one row an epoch, none of the sanity check


def test_report_of_fit_is_written_at_its_end(tmp_path):
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]]))
    trainer.fit(Classifier(), datamodule=ColumnData(samples()))
    table = pd.read_csv(tmp_path / "run" / "group_rates_val.csv").set_index("group")
    assert table.index.tolist() == ["all samples", "smiling: no", "smiling: yes"]
    assert table["n"].tolist() == [12, 8, 4]
    assert table["tpr"].tolist() == [3 / 6, 3 / 4, 0]
    assert table["grouping"].tolist() == ["all", "smiling", "smiling"]
    image = tmp_path / "run" / "figures" / "group_fairness_val.png"
    assert image.read_bytes().startswith(b"\x89PNG")


def test_test_logs_writes_and_prints(tmp_path, capsys):
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]]))
    trainer.test(Classifier(), datamodule=ColumnData(samples()), verbose=False)
    assert metrics_of(trainer, "test") == pytest.approx(EXPECTED)
    assert (tmp_path / "run" / "group_rates_test.csv").exists()
    assert (tmp_path / "run" / "figures" / "group_fairness_test.png").exists()
    printed = capsys.readouterr().out
    assert "attractive: yes" in printed
    assert "0.750" in printed


def test_validate_writes_its_own_report(tmp_path):
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]]))
    trainer.validate(Classifier(), datamodule=ColumnData(samples()), verbose=False)
    assert (tmp_path / "run" / "group_rates_val.csv").exists()


def test_crossed_groups(tmp_path):
    columns = samples()
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"], ["smiling", "gender"]]))
    trainer.validate(Classifier(), datamodule=ColumnData(columns), verbose=False)
    found = metrics_of(trainer, "val")
    names = ("smiling", "gender", "attractive", "guess")
    rows = list(zip(*(columns[name].tolist() for name in names), strict=True))
    tprs = []
    for smiling in (0, 1):
        for gender in (0, 1):
            right = [guess for s, g, target, guess in rows if (s, g, target) == (smiling, gender, 1)]
            group = f"smiling={ATTRIBUTES['smiling'][smiling]},gender={ATTRIBUTES['gender'][gender]}"
            tprs.append(sum(right) / len(right))
            n = sum(row[:2] == (smiling, gender) for row in rows)
            assert found[f"tpr/{group}"] == pytest.approx(tprs[-1])
            assert found[f"n/{group}"] == n
    assert found["tpr_gap/smiling,gender"] == pytest.approx(max(tprs) - min(tprs))
    assert found["tpr_gap"] == 0.75  # of the first grouping, as without the second
    assert "tpr_gap/smiling" not in found


def test_an_absent_group_is_nan_and_named_once(tmp_path):
    absent = [COUNTS[0], [[0, 0], [0, 0]]]
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]]), max_epochs=3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.fit(Classifier(), datamodule=ColumnData(samples(absent)))
    messages = [str(w.message) for w in caught if "GroupFairness" in str(w.message)]
    what = "nan and left out of the gaps: smiling: yes (no samples)"
    assert messages == [f"GroupFairness, val by smiling: {what}"]
    found = metrics_of(trainer, "val")
    assert found["n/smiling=yes"] == 0
    assert math.isnan(found["tpr/smiling=yes"])
    assert math.isnan(found["tpr_gap"])
    assert found["tpr/smiling=no"] == 0.75


def test_unknown_group_counts_overall_but_in_no_group(tmp_path):
    columns = samples()
    columns["smiling"][:4] = -1  # the four negatives of the first group: guesses 0, 0, 0, 1
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]]))
    with pytest.warns(UserWarning, match=r"smiling: no \(fpr, tnr\)"):
        trainer.validate(Classifier(), datamodule=ColumnData(columns), verbose=False)
    found = metrics_of(trainer, "val")
    assert found["n/smiling=no"] == 4
    assert math.isnan(found["fpr/smiling=no"])
    assert found["fpr"] == pytest.approx(2 / 6)


def test_the_other_class_can_be_positive(tmp_path):
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]], positive=0))
    trainer.validate(Classifier(), datamodule=ColumnData(samples()), verbose=False)
    assert metrics_of(trainer, "val")["tpr/smiling=yes"] == EXPECTED["tnr/smiling=yes"]


@pytest.mark.parametrize("options", [{"fast_dev_run": True}, {"logger": False}])
def test_without_a_log_directory_nothing_is_written(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]]), **options)
    trainer.fit(Classifier(), datamodule=ColumnData(samples(), batch_size=16))
    trainer.test(Classifier(), datamodule=ColumnData(samples(), batch_size=16), verbose=False)
    assert "tpr_gap" in metrics_of(trainer, "test")
    assert list(tmp_path.rglob("*.png")) == list(tmp_path.rglob("*.csv")) == []


class RecordingWandb(WandbLogger):
    def __init__(self, folder):
        self.folder, self.sent = folder, {}

    name, version, save_dir = "name", "0", property(lambda self: str(self.folder))

    def log_metrics(self, metrics, step=None):
        pass

    def log_table(self, key, columns=None, data=None, dataframe=None, step=None):
        self.sent[key] = dataframe

    def log_image(self, key, images, step=None, **kwargs):
        self.sent[key] = images

    def after_save_checkpoint(self, checkpoint_callback):
        pass

    def finalize(self, status):
        self.sent["finished"] = True


def test_wandb_gets_the_table_and_the_chart(tmp_path):
    logger = RecordingWandb(tmp_path)
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]]), logger=logger)
    trainer.test(Classifier(), datamodule=ColumnData(samples()), verbose=False)
    assert list(logger.sent) == ["test/group_rates", "test/group_fairness", "finished"]
    assert logger.sent["test/group_rates"]["n"].tolist() == [12, 8, 4]
    assert logger.sent["test/group_fairness"] == [str(tmp_path / "figures" / "group_fairness_test.png")]


@pytest.mark.parametrize("groups", [[], [[]], [["smiling"], ["smiling"]]])
def test_groups_must_be_different_lists_of_names(groups):
    with pytest.raises(ValueError, match="groups must be different, non-empty lists"):
        GroupFairness(groups=groups)


def test_required_attributes():
    callback = GroupFairness(groups=[["smiling"], ["smiling", "gender"]])
    assert callback.required_attributes == {"smiling", "gender"}


@pytest.mark.parametrize(
    ("group", "positive", "module", "message"),
    [
        ("age", 1, Classifier(), rf"no attribute \['age'\].*{sorted(ATTRIBUTES)[0]}"),
        ("smiling", 2, Classifier(), "positive=2 is no class of attractive"),
        ("smiling", 1, Recogniser(), "needs a classifier of an attribute, not Recogniser"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_batch(tmp_path, group, positive, module, message):
    trainer = make_trainer(tmp_path, GroupFairness(groups=[[group]], positive=positive))
    with pytest.raises(MisconfigurationException, match=message):
        trainer.validate(module, datamodule=ColumnData(samples()))


class Silent(Classifier):
    def validation_step(self, batch, batch_idx):
        return None


def test_a_module_that_returns_nothing_is_refused(tmp_path):
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]]))
    with pytest.raises(MisconfigurationException, match="Silent to return 'prediction' and 'target'"):
        trainer.validate(Silent(), datamodule=ColumnData(samples()))


def test_needs_a_datamodule(tmp_path):
    data = ColumnData(samples())
    data.setup("validate")
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["smiling"]]))
    with pytest.raises(MisconfigurationException, match="needs a DataModule"):
        trainer.validate(Classifier(), data.val_dataloader())


def test_prediction_needs_no_groups(tmp_path):
    class Predictor(OneWeight):
        def predict_step(self, batch, batch_idx):
            return batch["index"]

    trainer = make_trainer(tmp_path, GroupFairness(groups=[["age"]]))
    assert len(trainer.predict(Predictor(), datamodule=ColumnData(samples(), batch_size=13))) == 1


def test_without_groups_the_demographic_attributes_are_used(tmp_path):
    trainer = make_trainer(tmp_path, GroupFairness())
    trainer.validate(Classifier(), datamodule=ColumnData(samples()), verbose=False)
    values = metrics_of(trainer, "val")
    assert values["n/gender=female"] + values["n/gender=male"] == 12
    assert not any("ethnicity" in name or "smiling" in name for name in values)


def test_without_demographic_attributes_the_overall_rates_count(tmp_path):
    class NoGender(ColumnData):
        attributes = {name: classes for name, classes in ATTRIBUTES.items() if name != "gender"}

    trainer = make_trainer(tmp_path, GroupFairness())
    trainer.validate(Classifier(), datamodule=NoGender(samples()), verbose=False)
    values = metrics_of(trainer, "val")
    assert values["tpr"] == pytest.approx(3 / 6)
    assert not any("=" in name or "gap" in name for name in values)
    assert list((tmp_path / "run").glob("**/group_rates_val.csv"))


class Moods(Classifier):
    """A task of three classes: the label is the group and the target together."""

    attributes = ATTRIBUTES | {"mood": ["sad", "so so", "glad"]}
    task = "mood"

    def validation_step(self, batch, batch_idx):
        return {"prediction": batch["guess"].clamp(min=0), "target": batch["mood"]}

    test_step = validation_step


def test_each_of_three_classes_has_rates_and_they_are_averaged(tmp_path):
    class Data(ColumnData):
        attributes = Moods.attributes

    columns = {
        "mood": torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, -1]),
        "guess": torch.tensor([0, 0, 1, 1, 2, 2, 2, 2, 0, 0]),
        "gender": torch.tensor([0, 1, 0, 0, 1, 0, 1, 0, 1, 1]),
    }
    trainer = make_trainer(tmp_path, GroupFairness(groups=[["gender"]]))
    trainer.test(Moods(), datamodule=Data(columns), verbose=False)
    found = metrics_of(trainer, "test")
    assert found["tpr/sad"] == pytest.approx(2 / 3)
    assert found["tpr/so%20so"] == pytest.approx(1 / 2)
    assert found["tpr/glad"] == pytest.approx(3 / 4)
    assert found["tpr"] == pytest.approx((2 / 3 + 1 / 2 + 3 / 4) / 3)
    assert found["selection_rate"] == pytest.approx(1 / 3)
    assert found["tpr/gender=female"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert found["tpr/gender=male"] == pytest.approx((1 + 0 + 1 / 2) / 3)
    assert found["tpr_gap"] == pytest.approx(1 / 3)
    chosen = make_trainer(tmp_path, GroupFairness(groups=[["gender"]], positive=2))
    chosen.test(Moods(), datamodule=Data(columns), verbose=False)
    assert metrics_of(chosen, "test")["tpr"] == pytest.approx(3 / 4)
    assert "tpr/glad" not in metrics_of(chosen, "test")
