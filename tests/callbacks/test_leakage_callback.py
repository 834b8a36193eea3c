import multiprocessing
import re
import warnings

import pandas as pd
import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import CSVLogger, WandbLogger
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import nn

from callbacks.leakage import Leakage
from evaluation.leakage.held_out_leakage import held_out_leakage
from evaluation.samples.labelled_samples import Samples
from tests.support.callback_dummies import Columns, OneWeight, Recogniser
from tests.support.callback_people import People, columns

FAST = ["linear", "rbf_svm"]


class Gain(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(2))
        self.norm = nn.BatchNorm1d(2, affine=False)

    def forward(self, point):
        return self.norm(point) * self.gain


class Eraser(OneWeight):
    """One step of SGD takes the coordinate of the emotion to exactly zero."""

    def __init__(self):
        super().__init__()
        self.backbone = Gain()

    def inputs(self, batch):
        return batch["point"]

    def embed(self, point):
        assert not self.training
        assert not torch.is_grad_enabled()
        return self.backbone(point)

    def training_step(self, batch, batch_idx):
        return self.backbone.gain[0].square()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.5)

    def validation_step(self, batch, batch_idx):
        pass

    test_step = validation_step


def make_trainer(folder, *callbacks, **options):
    options = {"logger": CSVLogger(folder, name="", version="run"), "devices": 1} | options
    return Trainer(
        accelerator="cpu",
        callbacks=list(callbacks),
        max_epochs=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        log_every_n_steps=1,
        **options,
    )


def values(trainer):
    found = trainer.callback_metrics.items()
    return {k.removeprefix("test/leakage/"): float(v) for k, v in found if k.startswith("test/leakage/")}


@pytest.mark.slow
def test_what_training_erased_and_what_it_left(tmp_path, capsys):
    module, data = Eraser(), People()
    trainer = make_trainer(tmp_path, Leakage(["emotion", "gender"]))
    trainer.fit(module, datamodule=data)
    assert module.backbone.gain.tolist() == [0, 1]
    trainer.test(module, datamodule=data, verbose=False)
    assert values(trainer) == {
        "emotion": 0.5,
        "emotion/before": 1,
        "emotion/removed": 100,
        "gender": 1,
        "gender/before": 1,
        "gender/removed": 0,
    }
    table = pd.read_csv(tmp_path / "run" / "leakage.csv")
    keys = table.groupby(["attribute", "representation"], sort=False)["family"].agg(list)
    assert keys.index.tolist() == [(a, of) for a in ("emotion", "gender") for of in ("before", "after")]
    assert keys.map(lambda names: names == ["linear", "mlp", "rbf_svm", "forest"]).all()
    assert (table[["n_train", "n_test"]] == 40).all(axis=None)
    emotion = table.query("attribute == 'emotion'")
    assert emotion["balanced_accuracy"].tolist() == [1] * 4 + [0.5] * 4
    printed = capsys.readouterr().out
    assert "100.0 %" in printed
    low, high = map(float, re.search(r"\[(0\.[0-4]\d*), (0\.[5-9]\d*)\]", printed).groups())
    assert 0.5 - low == pytest.approx(high - 0.5, abs=2e-3)  # of a constant answer, on as many of each class


def test_nothing_is_said_to_be_removed_of_the_task(tmp_path, capsys):
    module, data = Eraser(), People()
    module.task = "gender"
    trainer = make_trainer(tmp_path, Leakage(["emotion", "gender"], families=FAST))
    trainer.fit(module, datamodule=data)
    trainer.test(module, datamodule=data, verbose=False)
    found = values(trainer)
    assert "gender/removed" not in found
    assert (found["gender"], found["gender/before"], found["emotion/removed"]) == (1, 1, 100)
    assert "- (task)" in capsys.readouterr().out


def test_a_tested_checkpoint_has_no_before(tmp_path, capsys):
    trainer = make_trainer(tmp_path, Leakage(["gender"], families=FAST))
    trainer.test(Eraser(), datamodule=People(), verbose=False)
    assert values(trainer) == {"gender": 1}
    table = pd.read_csv(tmp_path / "run" / "leakage.csv")
    assert table["representation"].tolist() == ["after", "after"]
    assert "removed" in capsys.readouterr().out


def test_the_probes_are_those_of_evaluation_on_whole_splits(tmp_path):
    callback = Leakage(["gender"], families=FAST, max_samples=30, seed=5)
    trainer = make_trainer(tmp_path, callback, limit_val_batches=1)
    module = Eraser()
    trainer.test(module, datamodule=People(noise=1.5), verbose=False)
    samples = []
    for split in ("val", "test"):
        known = columns(split, noise=1.5)
        embedding = module.backbone.eval()(known["point"]).detach()
        samples.append(Samples(*(c.numpy() for c in (embedding, known["gender"], known["identity"]))))
    expected = held_out_leakage(*samples, FAST, seed=5, max_samples=30)
    assert 0.5 < expected["balanced_accuracy"].max() < 1
    assert callback.table[expected.columns].equals(expected)
    assert values(trainer)["gender"] == pytest.approx(expected["balanced_accuracy"].max())


def test_probing_leaves_the_module_as_it_was(tmp_path):
    module = Eraser().train()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    make_trainer(tmp_path, Leakage(["gender"], families=FAST)).test(
        module, datamodule=People(), verbose=False
    )
    assert module.training
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())


def test_before_is_the_state_that_fit_began_with(tmp_path):
    callback, module = Leakage(["emotion"], families=["linear"]), Eraser()
    make_trainer(tmp_path, callback).fit(module, datamodule=People())
    assert callback.original.gain.tolist() == [1, 1]
    assert callback.original.norm.running_mean.tolist() == [0, 0]
    assert not callback.original.training
    assert not callback.original.gain.requires_grad
    assert module.backbone.gain.requires_grad


def test_a_rehearsal_embeds_but_does_not_probe(tmp_path):
    trainer = make_trainer(tmp_path, Leakage(["emotion"]), fast_dev_run=True, logger=False)
    trainer.test(Eraser(), datamodule=People(batch_size=1), verbose=False)  # one sample has one class
    assert values(trainer) == {}


def test_without_a_logger_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainer = make_trainer(tmp_path, Leakage(["gender"], families=FAST), logger=False)
    trainer.test(Eraser(), datamodule=People(), verbose=False)
    assert values(trainer) == {"gender": 1}
    assert list(tmp_path.rglob("*.csv")) == []


class RecordingWandb(WandbLogger):
    def __init__(self, folder):
        self.folder, self.sent = folder, {}

    name, version, save_dir = "name", "0", property(lambda self: str(self.folder))

    def log_metrics(self, metrics, step=None):
        pass

    def log_table(self, key, columns=None, data=None, dataframe=None, step=None):
        self.sent[key] = dataframe

    def finalize(self, status):
        pass


def test_wandb_gets_the_table(tmp_path):
    logger = RecordingWandb(tmp_path)
    trainer = make_trainer(tmp_path, Leakage(["gender"], families=FAST), logger=logger)
    trainer.test(Eraser(), datamodule=People(), verbose=False)
    assert list(logger.sent) == ["test/leakage"]
    assert logger.sent["test/leakage"]["family"].tolist() == FAST


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": []}, "attributes must be different names"),
        ({"attributes": ["a", "a"]}, "attributes must be different names"),
        ({"attributes": ["identity"]}, "identity cannot be probed"),
        ({"attributes": ["a"], "families": ["svm"]}, "families must be some of linear, mlp"),
        ({"attributes": ["a"], "families": []}, "families must be some of"),
        ({"attributes": ["a"], "max_samples": 1}, "max_samples must be at least 2"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        Leakage(**options)


def test_required_attributes():
    assert Leakage(["emotion", "gender"]).required_attributes == {"emotion", "gender"}


@pytest.mark.parametrize(
    ("attribute", "module", "message"),
    [
        ("age", Eraser(), r"no attribute \['age'\]; the data have \['emotion'"),
        ("gender", Recogniser(), "needs a module with a backbone, not Recogniser"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(tmp_path, attribute, module, message):
    with pytest.raises(MisconfigurationException, match=message):
        make_trainer(tmp_path, Leakage([attribute])).fit(module, datamodule=People())


def test_needs_a_datamodule(tmp_path):
    data = People()
    data.setup("test")
    with pytest.raises(MisconfigurationException, match="needs a DataModule"):
        make_trainer(tmp_path, Leakage(["gender"])).test(Eraser(), data.test_dataloader())


class SamePeople(People):
    def make_dataset(self, split):
        return Columns(columns("val"))


def test_people_in_both_splits_are_refused(tmp_path):
    trainer = make_trainer(tmp_path, Leakage(["gender"], families=FAST))
    with pytest.raises(MisconfigurationException, match="Leakage of gender .*: 10 people are in"):
        trainer.test(Eraser(), datamodule=SamePeople(), verbose=False)


class Strangers(People):
    def make_dataset(self, split):
        known = columns(split)
        del known["identity"]
        return Columns(known)


class Unnamed(People):
    def make_dataset(self, split):
        return Columns(columns(split) | {"identity": torch.full((40,), -1)})


@pytest.mark.parametrize("data", [Strangers(), Unnamed()])
def test_data_that_do_not_know_people_are_warned_about(tmp_path, data):
    trainer = make_trainer(tmp_path, Leakage(["gender"], families=FAST))
    with pytest.warns(UserWarning, match="Leakage: the data have no identities"):
        trainer.test(Eraser(), datamodule=data, verbose=False)
    assert values(trainer) == {"gender": 1}


class Suspicious(Eraser):
    """In every process, a value that Lightning suspects to differ is an error."""

    def setup(self, stage):
        warnings.filterwarnings("error", message=".*sync_dist.*")


def run(folder, **options):
    module, data = Suspicious(), People(batch_size=7, cut=1, noise=1.5)
    trainer = make_trainer(folder, Leakage(["gender"], ["linear", "forest"]), **options)
    trainer.test(module, datamodule=data, verbose=False)
    return values(trainer)


@pytest.mark.slow
def test_two_processes_read_what_one_does(tmp_path):
    # 39 samples: one process gets padding; the forest's draws depend on the order of the samples
    multiprocessing.set_forkserver_preload(["pytorch_lightning", "callbacks.leakage"])
    one = run(tmp_path / "one")
    strategy = DDPStrategy(start_method="forkserver", process_group_backend="gloo")
    assert run(tmp_path / "two", devices=2, strategy=strategy) == pytest.approx(one)
    tables = [pd.read_csv(tmp_path / k / "run" / "leakage.csv") for k in ("one", "two")]
    pd.testing.assert_frame_equal(*tables)
    assert 0.5 < tables[0]["balanced_accuracy"].max() < 1
