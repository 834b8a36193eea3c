import json

import numpy as np
import pandas as pd
import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import CSVLogger, WandbLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.admissible_leakage import AdmissibleLeakage
from callbacks.validation_leakage import ValidationLeakage, half_of_subjects
from evaluation.leakage.held_out_leakage import held_out_leakage
from evaluation.samples.labelled_samples import Samples
from tests.support.callback_dummies import Classifier, ColumnData, Columns, samples
from tests.support.callback_people import Following, People, columns
from tests.support.wandb_offline import history


def make_trainer(folder, callback, **options):
    return Trainer(
        accelerator="cpu", devices=1, callbacks=[callback], default_root_dir=folder,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        **{"logger": False} | options,
    )  # fmt: skip


@pytest.mark.slow
def test_each_validation_trains_new_probes(tmp_path):
    seen = []

    class Record(ValidationLeakage):
        def on_validation_epoch_end(self, trainer, pl_module):
            super().on_validation_epoch_end(trainer, pl_module)
            if not trainer.sanity_checking:
                names = ("val/leakage/emotion", "val/leakage/gender")
                seen.append([float(trainer.callback_metrics[name]) for name in names])

    callback = Record(["emotion", "gender"])
    trainer = make_trainer(tmp_path, callback, max_epochs=3, num_sanity_val_steps=2)
    trainer.fit(Following([1.0, 1], [0.0, 1], [1e-7, 0]), datamodule=People())
    assert seen == [[1, 1], [0.5, 1], [1, 0.5]], "however small, it is read once it is standardised"


def test_the_probes_are_evaluations_on_two_halves_of_the_people(tmp_path):
    known = columns("val", people=20, noise=1.5)
    label, identity = known["gender"].numpy(), known["identity"].numpy()
    half = half_of_subjects(label, identity, seed=3)
    assert not set(identity[half]) & set(identity[~half])
    sets = [Samples(known["point"].numpy()[h], label[h], identity[h]) for h in (half, ~half)]
    expected = held_out_leakage(*sets, ["linear", "rbf_svm"], seed=3)["balanced_accuracy"].max()
    assert 0.5 < expected < 1
    trainer = make_trainer(tmp_path, ValidationLeakage(["gender"], families=["linear", "rbf_svm"], seed=3))
    trainer.validate(Following([1.0, 1]), datamodule=People(people=20, noise=1.5), verbose=False)
    assert trainer.callback_metrics["val/leakage/gender"] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(20))
def test_both_halves_have_every_class_of_people_evenly(seed):
    rng = np.random.default_rng(seed)
    people = rng.permutation(31)
    gender = np.r_[np.zeros(28, int), np.ones(3, int)]  # one of the three is enough for either half
    rows = rng.integers(31, size=400)
    label, identity = gender[rows], people[rows]
    label[rng.random(400) < 0.1] = -1
    half = half_of_subjects(label, identity, seed)
    assert np.array_equal(half, half_of_subjects(label, identity, seed))
    for one in np.unique(identity):
        assert len(set(half[identity == one])) == 1, "nobody is in both"
    for of in (0, 1):
        there = np.unique(identity[label == of])
        first = len(np.unique(identity[half & (label == of)]))
        assert abs(first - len(there) / 2) <= 1


def test_seeds_draw_other_halves():
    label, identity = np.arange(80) % 2, np.arange(80) // 4
    assert not np.array_equal(half_of_subjects(label, identity, 0), half_of_subjects(label, identity, 1))


def test_samples_of_nobody_count_as_a_person_each():
    label = np.arange(40) % 2
    for identity in (None, np.full(40, -1)):
        half = half_of_subjects(label, identity, 0)
        assert half.sum() == 20
        assert label[half].sum() == 10


class OnePerson(People):
    def make_dataset(self, split):
        return Columns(columns(split) | {"identity": torch.zeros(40, dtype=torch.int64)})


def test_too_few_people_are_one_clear_error(tmp_path):
    trainer = make_trainer(tmp_path, ValidationLeakage(["gender"]))
    with pytest.raises(MisconfigurationException, match="of gender .*halves of val.*: the .* set has"):
        trainer.validate(Following([1.0, 1]), datamodule=OnePerson(), verbose=False)


def test_a_rehearsal_does_not_probe(tmp_path):
    trainer = make_trainer(tmp_path, ValidationLeakage(["gender"]), fast_dev_run=True)
    trainer.fit(Following([1.0, 1]), datamodule=People(batch_size=1))
    assert "val/leakage/gender" not in trainer.callback_metrics


def test_probing_changes_neither_the_module_nor_the_random_state(tmp_path):
    module = Following([1.0, 1])
    state = torch.random.get_rng_state()
    make_trainer(tmp_path, ValidationLeakage(["gender"])).validate(module, datamodule=People(), verbose=False)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert module.gain.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": ["identity"]}, "identity cannot be probed"),
        ({"attributes": []}, "attributes must be different names"),
        ({"attributes": ["a"], "families": ["svm"]}, "families must be some of linear, mlp"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        ValidationLeakage(**options)


def test_what_has_no_representation_is_refused(tmp_path):
    callback = ValidationLeakage(["smiling"])
    assert callback.required_attributes == {"smiling"}
    with pytest.raises(MisconfigurationException, match="needs a module with a backbone, not Classifier"):
        make_trainer(tmp_path, callback).validate(Classifier(), datamodule=ColumnData(samples()))


def fitted(folder, callback, **options):
    logger = CSVLogger(folder, name="", version="")
    trainer = make_trainer(
        folder, callback, **{"max_epochs": 4, "log_every_n_steps": 1, "logger": logger} | options
    )
    trainer.fit(Following([1.0, 1], [0.0, 1], [1.0, 0], [0.0, 1]), datamodule=People())
    return trainer


@pytest.mark.slow
def test_every_second_epoch_is_probed_and_all_are_in_the_table(tmp_path):
    fitted(
        tmp_path, ValidationLeakage(["emotion", "gender"], families=["linear", "forest"], every_n_epochs=2)
    )
    table = pd.read_csv(tmp_path / "leakage_val.csv")
    assert table["epoch"].tolist() == [1] * 4 + [3] * 4
    assert table["attribute"].tolist() == ["emotion", "emotion", "gender", "gender"] * 2
    assert table["family"].tolist() == ["linear", "forest"] * 4
    assert table["balanced_accuracy"].tolist() == [0.5, 0.5, 1, 1] * 2
    rows = pd.read_csv(tmp_path / "metrics.csv").dropna(subset=["val/leakage/emotion"])
    assert rows["epoch"].tolist() == [1, 3]
    assert rows["val/leakage/gender"].tolist() == [1, 1]


@pytest.mark.slow
def test_wandb_gets_the_table_once(tmp_path):
    loggers = [
        CSVLogger(tmp_path, name="", version=""),
        WandbLogger(save_dir=tmp_path, offline=True, project="tests"),
    ]
    callback = ValidationLeakage(["emotion"], families=["linear"])
    fitted(tmp_path, callback, logger=loggers)
    loggers[1].experiment.finish()
    logged = history(tmp_path)
    assert logged["val/leakage/_type"] == "table-file"
    assert logged["val/leakage/nrows"] == 4
    (sent,) = tmp_path.glob("wandb/offline-run-*/files/media/table/**/*.json")
    content = json.loads(sent.read_text())
    table = pd.DataFrame(content["data"], columns=content["columns"])
    assert table["epoch"].tolist() == [0, 1, 2, 3]
    assert table["balanced_accuracy"].tolist() == [1, 0.5, 1, 0.5]
    fitted(tmp_path / "again", callback)
    assert len(pd.read_csv(tmp_path / "again" / "leakage_val.csv")) == 4, "another training has its own table"


def test_a_checkpoint_is_not_chosen_by_figures_of_another_epoch(tmp_path):
    callback = ValidationLeakage(["emotion"], every_n_epochs=2)
    trainer = make_trainer(tmp_path, callback)
    trainer.callbacks.append(AdmissibleLeakage("emotion"))
    with pytest.raises(MisconfigurationException, match="leave every_n_epochs of ValidationLeakage at 1"):
        trainer.fit(Following([1.0, 1]), datamodule=People())
