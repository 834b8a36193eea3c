import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm
from sklearn.model_selection import KFold
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from evaluation.leakage import cross_fitted_leakage as module
from evaluation.leakage import cross_fitting
from evaluation.leakage.accuracies import accuracies
from evaluation.leakage.cross_fitted_leakage import cross_fitted_leakage
from evaluation.leakage.cross_fitting import cross_fit, inner_folds
from evaluation.leakage.strongest_reading import strongest_reading
from evaluation.probes.attacker_table import ATTACKERS, TABLE
from evaluation.probes.standardise import SCALINGS
from evaluation.samples.audited_samples import AuditedSamples
from evaluation.samples.labelled_samples import Samples
from tests.support.known_leaks import leaking


def attacked(samples, **options):
    return cross_fitted_leakage(samples, **options).table


def read(samples, **options):
    table = attacked(samples, folds=3, tune=False, **options)
    return table.set_index(["attacker", "scaling"])["balanced_accuracy"].unstack()


@pytest.mark.slow
def test_every_attacker_reads_a_linear_leak_whatever_the_scaling():
    found = read(leaking("linear", people=60))
    assert sorted(found.index) == sorted(ATTACKERS)
    assert not (found < 0.7).any(axis=None)
    expected = {name: len(TABLE[name].scalings) for name in ATTACKERS}
    assert found.notna().sum(axis=1).to_dict() == expected
    assert expected["linear"] == 4
    assert expected["forest"] == expected["similarity"] == 2


@pytest.mark.slow
def test_trees_are_trained_once_for_all_scalings_of_features():
    options = {"attackers": ["forest"], "folds": 2, "tune": False}
    scalings = [
        (SCALINGS, ["robust", "unit"]),
        (["raw"], ["raw"]),
        (["standardised", "unit"], ["standardised", "unit"]),
    ]
    for asked, taken in scalings:
        table = attacked(leaking("linear", people=10), scalings=asked, **options)
        assert table["scaling"].tolist() == taken


@pytest.mark.slow
def test_only_curved_attackers_read_a_curved_leak():
    found = read(leaking("xor", people=60), scalings=["standardised"])["standardised"]
    assert max(found.pop("linear"), found.pop("kernel_linear")) < 0.6
    assert found.min() > 0.8


@pytest.mark.slow
def test_a_tiny_scale_hides_a_leak_from_raw_attackers():
    samples = leaking("tiny", people=60)
    options = {"folds": 3, "tune": False, "scalings": ["standardised", "raw"]}
    table = attacked(samples, attackers=["linear", "mlp", "rbf_svm"], **options)
    found = table.set_index(["attacker", "scaling"])["balanced_accuracy"].unstack()
    assert found["standardised"].min() > 0.75
    assert found.loc[["mlp", "linear"], "raw"].max() < 0.62
    smaller = samples._replace(embedding=samples.embedding * 1e-6)  # the kernel is 1 to the last bit
    kernel = read(smaller, attackers=["rbf_svm"], scalings=["raw", "standardised"]).loc["rbf_svm"]
    assert kernel["raw"] == pytest.approx(0.5)
    assert kernel["standardised"] > 0.75


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["none", "confounded"])
def test_no_leak_to_other_people_where_only_identity_tells(kind):
    rng = np.random.default_rng(0)
    place, person = rng.normal(size=(80, 8)), np.repeat(np.arange(80), 5)
    label = rng.integers(2, size=80)[person] if kind == "confounded" else rng.integers(2, size=400)
    samples = Samples(place[person] + 0.1 * rng.normal(size=(400, 8)), label, person)
    correct = cross_fitted_leakage(samples, folds=4, tune=False, scalings=["standardised"]).correct
    for answers in (correct, 1 - correct):  # nobody reads more, or less, than chance
        assert strongest_reading(label, person, answers).low < 0.5
    if kind == "confounded":  # the control: a split that is blind to people reads who they are
        data, splits = AuditedSamples(*samples), list(KFold(4, shuffle=True, random_state=0).split(label))
        found = cross_fit("forest", "raw", data, splits, tune=False, max_samples=999, seed=0)
        assert (
            np.mean([(p == label[t]).mean() for p, (_, t) in zip(found.predictions, splits, strict=True)])
            > 0.9
        )


def test_one_image_of_each_class_and_person_is_no_artefact():
    rng = np.random.default_rng(0)
    person, label = np.repeat(np.arange(60), 3), np.tile(np.arange(3), 60)
    x = rng.normal(size=(60, 6))[person] + 0.01 * rng.normal(size=(180, 6))
    options = {"folds": 3, "attackers": ["knn"], "scalings": ["raw"], "tune": False}
    table = attacked(Samples(x, label, person), **options).iloc[0]
    assert table["low"] <= 1 / 3 <= table["high"]
    alone = attacked(Samples(x, label), **options).iloc[0]
    assert alone["high"] < 1 / 3, "the control: a split that is blind to people falls below chance"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["constant", "linear"])
def test_folds_share_nobody_and_read_everybody_once(kind, monkeypatch):
    samples, seen = leaking(kind, people=40), []

    def spy(attacker, scaling, data, splits, **options):
        seen.append((data, splits))
        return cross_fit(attacker, scaling, data, splits, **options)

    monkeypatch.setattr(module, "cross_fit", spy)
    extra = Samples(samples.embedding[:90], samples.label[:90], samples.identity[:90] + 30)  # 10 are the same
    table = attacked(samples, attackers=["linear"], scalings=["raw"], extra=extra, repeats=2)
    [(data, splits)] = seen
    assert len(splits) == 10
    for train, test in splits:
        assert not set(data.subjects[train]) & set(data.subjects[test])
        assert (train >= 240).any()
        assert (test < 240).all()
    tested = np.concatenate([test for _, test in splits])
    np.testing.assert_array_equal(np.bincount(tested), np.full(240, 2))
    row = table.iloc[0]
    assert (row["n"], row["people"]) == (240, 40)
    assert row["balanced_accuracy"] > 0.75


def test_inner_folds_divide_the_people_learned_from():
    samples = AuditedSamples(*leaking("constant", people=20))
    rows = np.flatnonzero(samples.subjects < 12)
    folds = inner_folds(samples, rows, 0)
    assert len(folds) == 3
    for train, test in folds:
        assert not set(samples.subjects[train]) & set(samples.subjects[test])
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), rows)
    assert inner_folds(samples, np.flatnonzero(samples.subjects < 3), 0) == []  # class 1 has one person


def test_tuning_takes_the_setting_that_reads_best(monkeypatch):
    row = TABLE["knn"]._replace(grid=[{"k": 1000}, {"k": 5}])
    monkeypatch.setitem(TABLE, "knn", row)
    table = attacked(leaking("xor", people=60), folds=3, attackers=["knn"], scalings=["standardised"])
    assert table["settings"].item() == "k=5"


def test_predictions_are_those_of_scikit_learn():
    data = AuditedSamples(*leaking("xor", people=30))
    split = (np.flatnonzero(data.subjects < 20), np.flatnonzero(data.subjects >= 20))
    found = cross_fit("rbf_svm", "raw", data, [split], tune=False, max_samples=1000, seed=0)
    svc = SVC(gamma=1 / 8, class_weight="balanced").fit(data.embedding[split[0]], data.label[split[0]])
    np.testing.assert_array_equal(found.predictions[0], svc.predict(data.embedding[split[1]]))
    assert found.n_train == 120


def test_slow_attackers_learn_from_some_and_the_table_says_so():
    options = {"folds": 3, "tune": False, "max_samples": 50, "scalings": ["raw"]}
    attackers = ["rbf_svm", "boosting", "knn", "kernel_linear", "kernel_rbf"]
    table = attacked(leaking("linear", people=30), attackers=attackers, **options | {"scalings": ["unit"]})
    assert table["n_train"].tolist() == [50, 50, 120, 50, 100]


@pytest.mark.slow
def test_the_seed_is_all_that_chance_depends_on():
    samples, options = leaking("linear", people=20), {"folds": 2, "scalings": ["standardised"]}
    tables = [attacked(samples, attackers=["forest", "linear"], seed=seed, **options) for seed in (0, 0, 1)]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


@pytest.mark.slow
def test_threads_change_no_forest_and_no_linear_attacker():
    samples, before = leaking("linear", people=60), torch.get_num_threads()
    tables = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with threadpool_limits(threads):
                options = {"attackers": ["linear", "forest"], "scalings": ["standardised"]}
                tables.append(attacked(samples, folds=3, **options))
    finally:
        torch.set_num_threads(before)
    pd.testing.assert_frame_equal(*tables, check_exact=True)


BASE = leaking("constant", people=12)


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        (BASE._replace(label=np.zeros(72, int)), {}, "has 1 classes"),
        (BASE._replace(embedding=np.full((72, 8), np.nan)), {}, "not finite"),
        (BASE, {"folds": 7}, "a class of the attribute has 6 people, too few for 7 folds"),
        (BASE, {"folds": 1}, "folds is 1"),
        (BASE, {"attackers": ["svm"]}, "attackers are some of linear"),
        (BASE, {"scalings": []}, "scalings are some of"),
        (BASE, {"extra": BASE._replace(embedding=np.zeros((72, 9)))}, "as wide as each other"),
    ],
)
def test_what_cannot_be_attacked_is_refused(samples, options, message):
    with pytest.raises(ValueError, match=message):
        cross_fitted_leakage(samples, **options)


def test_unknown_labels_and_people():
    samples = BASE._replace(identity=np.full(72, -1), label=np.where(np.arange(72) < 6, -1, BASE.label))
    row = attacked(samples, folds=3, tune=False, attackers=["linear"], scalings=["raw"]).iloc[0]
    assert (row["n"], row["people"]) == (66, 66)


def test_the_correct_predictions_give_the_accuracies():
    samples = BASE._replace(label=np.where(np.arange(72) < 6, -1, BASE.label))
    options = {
        "attackers": ["linear", "knn"],
        "scalings": ["standardised", "unit"],
        "folds": 3,
        "tune": False,
    }
    table, correct, _ = cross_fitted_leakage(samples, repeats=3, **options)
    assert correct.shape == (4, 66)
    label = samples.label[6:]
    balanced = [np.mean([one[label == c].mean() for c in (0, 1)]) for one in correct]
    np.testing.assert_allclose(table["balanced_accuracy"], balanced, atol=1e-6)
    assert set(np.unique(np.round(3 * correct, 4))) == {0, 1, 2, 3}
    assert (table["spread"] > 0).any()
    once = cross_fitted_leakage(samples, **options).table
    assert once["spread"].isna().all()


def test_repeats_widen_the_interval_by_their_spread():
    right = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]], bool)
    label = np.array([0, 0, 1, 1])
    assert module.retraining_spread(right, label) == pytest.approx(np.std([0.75, 0.5, 1], ddof=1))
    assert np.isnan(module.retraining_spread(right[:1], label))
    subjects, label = np.arange(200), np.arange(200) % 2
    correct = np.random.default_rng(0).random(200) < 0.75
    plain, wide = (accuracies(correct, label, subjects, spread) for spread in (0.0, 0.05))
    for end in ("low", "high"):
        distance, wider = (abs(found[end] - found["balanced_accuracy"]) for found in (plain, wide))
        assert wider == pytest.approx(np.hypot(distance, norm.ppf(0.975) * 0.05))


def test_scalings_share_settings_and_raw_has_its_own(monkeypatch):
    tuned = []

    def spy(attacker, scaling, *arguments):
        tuned.append(scaling)
        return choose(attacker, scaling, *arguments)

    choose = cross_fitting._choose
    monkeypatch.setattr(cross_fitting, "_choose", spy)
    table = attacked(leaking("linear", people=20), attackers=["linear"], folds=2)
    assert tuned == ["robust", "raw"]
    settings = table.set_index("scaling")["settings"]
    assert settings["standardised"] == settings["unit"] == settings["robust"]


@pytest.mark.slow
def test_further_samples_take_settings_that_are_chosen(monkeypatch):
    samples, options = leaking("linear", people=20), {"attackers": ["linear", "forest"], "folds": 2}
    extra = leaking("linear", people=30)
    extra = extra._replace(identity=extra.identity + 100)
    chosen = cross_fitted_leakage(samples, repeats=2, **options).settings
    assert {len(of_folds) for of_folds in chosen.values()} == {4}
    monkeypatch.setattr(cross_fitting, "_choose", None)  # calling it would fail
    given = {"repeats": 2, "extra": extra, "settings": chosen}
    found = cross_fitted_leakage(samples, scalings=["standardised"], **given, **options)
    chosen["forest", "standardised"] = chosen["forest", "robust"]  # trees saw robust features for all
    assert found.settings == {key: chosen[key] for key in found.settings}
    assert len(found.settings) == 2
    assert (found.table["n_train"] > 100).all()
