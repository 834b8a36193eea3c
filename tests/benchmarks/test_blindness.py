"""The study of all methods: every kind of method makes a row, rows are made once, the table is eq. 4.1."""

import sys
from functools import partial

import pandas as pd
import pytest

from benchmarks import blindness
from datamodules.synthetic_faces import SyntheticFaces
from datamodules.train_orders import IdentityBatches
from evaluation.leakage.held_out_leakage import held_out_leakage
from tests.support import toy
from tests.support.embedding_tree import make_table

SHORT = {"rounds": 1, "steps_per_round": 2, "classifier_steps": 2, "warmup_rounds": 0, "target": "uniform"}


@pytest.fixture
def study(monkeypatch, tmp_path):
    def run(*methods: str) -> pd.DataFrame:
        monkeypatch.setattr(blindness, "make_table", lambda args, seed: make_table(per_split=144))
        monkeypatch.setattr(blindness, "IdentityBatches", lambda: IdentityBatches(images=16))  # 12 people
        monkeypatch.setattr(blindness, "held_out_leakage", partial(held_out_leakage, families=["forest"]))
        ours = {**SHORT, "init": "identity", "keep": "similarities"}
        monkeypatch.setitem(blindness.SUPPRESSORS, "similarities_1", ours)
        monkeypatch.setitem(blindness.SUPPRESSORS, "sensitivenets_1", SHORT | {"target": "one"})
        arguments = ["synthetic", "--work", str(tmp_path), "--seeds", "0", "1", "--methods", *methods]
        monkeypatch.setattr(sys, "argv", ["blindness", *arguments])
        blindness.main()
        return pd.read_csv(tmp_path / "synthetic-emotion.csv")

    return run


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_rows_are_made_once_and_what_is_removed_is_equation_4_1(study, monkeypatch, capsys):
    rows = study("leace", "similarities_1", "sensitivenets_1").set_index(["method", "seed"])
    assert len(rows) == 8
    before = rows.loc["recogniser"]
    assert (before["balanced_accuracy"] > 0.9).all(), "the emotion is one of the numbers"
    assert (before[["removed", "auc_loss"]] == 0).all(axis=None)
    for (_, seed), row in rows.iterrows():
        x, phi = before.loc[seed, "balanced_accuracy"], row["balanced_accuracy"]
        assert row["removed"] == pytest.approx(100 * (x - phi) / (x - 1 / 3))
        assert row["auc_loss"] == pytest.approx(before.loc[seed, "auc"] - row["auc"])
    printed = capsys.readouterr().out
    assert "similarities_1" in printed
    monkeypatch.setattr(blindness, "one", lambda *args: pytest.fail("a finished row is computed again"))
    assert study("leace", "similarities_1", "sensitivenets_1").equals(rows.reset_index())


@pytest.mark.slow
def test_a_trained_classifier_is_measured_on_its_own_embedding(monkeypatch, tmp_path):
    config = ["--config", "baseline.yaml", "--model.init_args.task", "gender", *toy.BACKBONE, *toy.DATA]
    config += ["--model.init_args.trainable", "last_stage", "--trainer.max_epochs", "1"]
    data, module, accuracy = blindness.classify(tmp_path, config, "baseline", 3)
    assert isinstance(data, SyntheticFaces)
    assert data.seed == 3
    assert module.task == "gender"
    assert 0.2 < accuracy < 0.9
    (folder,) = (path.parent for path in tmp_path.glob("runs/seed_3/baseline/*/test_done"))
    stamp = folder.stat().st_mtime_ns
    again = blindness.classify(tmp_path, config, "baseline", 3)[2]
    assert (again, folder.stat().st_mtime_ns) == (accuracy, stamp)
