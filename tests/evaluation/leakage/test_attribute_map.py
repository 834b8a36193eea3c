import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from evaluation.leakage.accuracies import balanced_interval
from evaluation.leakage.attribute_map import attribute_map
from evaluation.probes.kernel_probe import KernelProbe
from evaluation.samples.representations import Representations
from evaluation.samples.subject_folds import subject_folds
from tests.support.known_leaks import leaking

LINEAR, NONE = leaking("linear", people=60), leaking("none", people=60)
PARTLY = np.where(np.arange(360) < 60, -1, NONE.label)


def made(**labels):
    labels = {"emotion": LINEAR.label} | labels
    return Representations(
        {"x": LINEAR.embedding, "phi": NONE.embedding[:, :3]},
        labels,
        dict.fromkeys(labels, ("a", "b", "c")),
        LINEAR.identity,
        np.full(360, 2),
        np.arange(360).astype(str),
    )


def test_a_cell_is_the_probe_over_all_folds():
    table = attribute_map(made(), seed=3)
    expected = np.zeros(360, int)
    for train, test in subject_folds(np.zeros(360, int), LINEAR.identity, 5, 3):
        probe = KernelProbe(LINEAR.embedding[train], LINEAR.embedding[test], "rbf")
        expected[test] = probe.predict(LINEAR.label[None, train])[0]
    row = table.iloc[0]
    assert row["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(LINEAR.label, expected))
    interval = balanced_interval(expected == LINEAR.label, LINEAR.label, LINEAR.identity)
    assert (row["low"], row["high"]) == interval
    assert (row["chance"], row["n"]) == (0.5, 360)


def test_every_attribute_of_every_representation_in_order():
    rng = np.random.default_rng(0)
    table = attribute_map(made(partly=PARTLY, three=rng.integers(3, size=360)))
    columns = ["representation", "attribute", "balanced_accuracy", "low", "high", "chance", "n"]
    assert table.columns.tolist() == columns
    pairs = [(r, a) for r in ("x", "phi") for a in ("emotion", "partly", "three")]
    assert list(zip(table["representation"], table["attribute"], strict=True)) == pairs
    assert table["n"].tolist() == [360, 300, 360] * 2
    assert table["chance"].tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 3] * 2)
    found = table.set_index(["representation", "attribute"])["balanced_accuracy"]
    assert found["x", "emotion"] > 0.8
    assert abs(found["phi", "emotion"] - 0.5) < 0.1
    assert abs(found["x", "three"] - 1 / 3) < 0.1


def test_an_attribute_reads_the_same_beside_others():
    alone = attribute_map(made())
    beside = attribute_map(made(partly=PARTLY, other=NONE.label))
    assert beside[beside["attribute"] == "emotion"].reset_index(drop=True).equals(alone)


def test_what_cannot_be_read_is_nan_and_stays_in_the_table():
    few = np.where(LINEAR.identity < 4, LINEAR.label, -1)
    table = attribute_map(made(one=np.zeros(360, int), nobody=np.full(360, -1), few=few))
    table = table[table["representation"] == "x"].set_index("attribute")
    assert table["n"].to_dict() == {"emotion": 360, "one": 360, "nobody": 0, "few": 24}
    assert (
        table.loc[["one", "nobody", "few"], ["balanced_accuracy", "low", "high", "chance"]]
        .isna()
        .all(axis=None)
    )
    assert table.loc["emotion", "balanced_accuracy"] > 0.8


@pytest.mark.parametrize("rows", [np.arange(120, 360), np.arange(360) >= 120])
def test_rows_choose_samples(rows):
    table = attribute_map(made(), rows)
    assert (table["n"] == 240).all()


def test_more_samples_than_allowed_are_drawn_by_people():
    assert (attribute_map(made(), max_samples=100)["n"] == 96).all()


def test_embeddings_that_are_not_finite_are_refused():
    one = made()
    one.embeddings["phi"] = np.full((360, 2), np.nan)
    with pytest.raises(ValueError, match="^embeddings of phi are not finite"):
        attribute_map(one)
