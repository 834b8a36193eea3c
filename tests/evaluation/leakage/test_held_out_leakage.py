import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from evaluation.leakage import held_out_leakage as probes
from evaluation.leakage.accuracies import balanced_interval, strongest
from evaluation.leakage.held_out_leakage import held_out_leakage
from evaluation.leakage.reduction import leakage_reduction
from evaluation.probes.attacker_table import FAMILIES
from evaluation.probes.attackers import predict
from evaluation.probes.mlp import balanced_epoch
from evaluation.probes.standardise import rbf_kernel, standardise
from evaluation.samples.labelled_samples import Samples


def people(first, count, images=6, classes=3, signal=1.5, seed=0):
    """Three classes around three corners, blurred by noise and by the person; features have any scale."""
    rng = np.random.default_rng(seed + first)
    identity = first + np.repeat(np.arange(count), images)
    label = np.tile(np.arange(images), count) % classes
    corner = np.zeros((len(label), 8))
    corner[np.arange(len(label)), label] = signal
    person = rng.normal(size=(count, 8)).repeat(images, 0)
    x = corner + 0.5 * person + rng.normal(size=corner.shape)
    return Samples(x * [1, 100, 1e-3, 1, 1, 1, 1, 1] + 3, label, identity)


TRAIN, TEST = people(0, 40), people(100, 30)


def test_standardise_is_what_scikit_learn_does():
    scaler = StandardScaler().fit(TRAIN.embedding)
    for ours, theirs in zip(standardise(TRAIN.embedding, TEST.embedding), (TRAIN, TEST), strict=True):
        np.testing.assert_allclose(ours, scaler.transform(theirs.embedding), atol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e30])
def test_a_feature_that_never_varied_in_training_is_zero(constant):
    train, test = TRAIN.embedding.copy(), TEST.embedding.copy()
    train[:, 2] = constant
    for x, kept in zip(standardise(train, test), (TRAIN, TEST), strict=True):
        assert (x[:, 2] == 0).all()
        assert x.shape == kept.embedding.shape
        assert np.isfinite(x).all()


def test_standardise_survives_spreads_whose_square_is_zero():
    for ours, theirs in zip(
        standardise(TRAIN.embedding * 2.0**-800, TEST.embedding * 2.0**-800),
        standardise(TRAIN.embedding, TEST.embedding),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_a_collapsed_representation_reads_like_its_rescaled_copy():
    table = held_out_leakage(TRAIN, TEST)
    assert (table["balanced_accuracy"] > 0.5).all()  # there is something to read
    scale = 2.0**-40
    tiny = [s._replace(embedding=s.embedding * scale) for s in (TRAIN, TEST)]
    assert held_out_leakage(*tiny).equals(table)
    # the control: without standardising, the same kernel machine sees a constant
    x, x_test = (s.embedding * scale for s in (TRAIN, TEST))
    blind = SVC(gamma=1.0).fit(x, TRAIN.label).predict(x_test)
    assert balanced_accuracy_score(TEST.label, blind) == pytest.approx(1 / 3, abs=1e-9)


@pytest.mark.parametrize("weak", [False, True])
def test_the_precomputed_kernel_predicts_what_svc_predicts(weak):
    rng = np.random.default_rng(0)
    x, x_test = standardise(TRAIN.embedding, TEST.embedding)
    label = rng.permutation(TRAIN.label) if weak else TRAIN.label
    label = np.where(rng.random(len(label)) < 0.3, 0, label)  # unequal classes
    svc = SVC(kernel="rbf", class_weight="balanced").fit(x, label)
    ours = predict("rbf_svm", x, label, x_test, 0)
    np.testing.assert_array_equal(ours, svc.predict(x_test))
    assert len(np.unique(ours)) == 3


def test_rbf_kernel_is_its_formula():
    a, b = TRAIN.embedding[:5], TEST.embedding[:4]
    expected = [[np.exp(-1e-4 * ((p - q) ** 2).sum()) for q in b] for p in a]
    np.testing.assert_allclose(rbf_kernel(a, b, 1e-4), expected, rtol=1e-10)


def test_an_epoch_holds_every_row_once_or_all_classes_evenly():
    rng = np.random.default_rng(0)
    rows = np.arange(10, 22)
    assert sorted(balanced_epoch(rows, np.full(30, 0.7), rng)) == rows.tolist()
    weight = np.zeros(30)
    weight[10:19], weight[19:22] = 12 / 18, 12 / 6  # nine of one class, three of another
    epoch = balanced_epoch(rows, weight, rng)
    assert (epoch < 19).sum() == (epoch >= 19).sum() == 6
    assert np.bincount(epoch)[19:22].tolist() == [2, 2, 2]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_reads_what_it_can(family):
    x, x_test = standardise(TRAIN.embedding, TEST.embedding)
    prediction = predict(family, x, TRAIN.label, x_test, 0)
    assert accuracy_score(TEST.label, prediction) > 0.55
    named = predict(family, x, np.array([7, 2, 5])[TRAIN.label], x_test, 0)
    assert set(named) <= {2, 5, 7}  # class indices need not be 0, 1, ...


@pytest.mark.parametrize("family", FAMILIES)
def test_a_weak_leak_is_not_hidden_by_a_large_class(family):
    rng = np.random.default_rng(1)
    label = (rng.random(600) < 0.1).astype(int)
    x = rng.normal(size=(600, 4))
    x[:, 0] += label
    prediction = predict(family, x[:300], label[:300], x[300:], 0)
    control = {"forest": 0.51}.get(family, 0.6)  # trees split to the last sample, weights change them little
    assert balanced_accuracy_score(label[300:], prediction) > control


@pytest.mark.slow
def test_only_curved_probes_read_a_curved_leak():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 2))
    label = (x[:, 0] * x[:, 1] > 0).astype(int)
    half = [Samples(x[part], label[part]) for part in (slice(450), slice(450, None))]
    table = held_out_leakage(*half)
    found = table.set_index("family")["balanced_accuracy"]
    assert found["linear"] < 0.6
    assert found.drop("linear").min() > 0.85
    assert strongest(table)["balanced_accuracy"] == found.max()


@pytest.mark.slow
def test_the_mlp_does_not_give_up_while_it_learns_nothing():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 16))
    label = (x[:, :3].prod(1) > 0).astype(int)
    early = MLPClassifier((1024,), early_stopping=True, random_state=0).fit(x[:2000], label[:2000])
    assert early.score(x[2000:], label[2000:]) < 0.55, (
        "the control: stopped by held-out samples it reads nothing"
    )
    prediction = predict("mlp", x[:2000], label[:2000], x[2000:], 0)
    assert accuracy_score(label[2000:], prediction) > 0.7


def test_the_table_of_known_predictions(monkeypatch):
    guess = np.array([0, 0, 0, 1, 1, 0])
    monkeypatch.setattr(probes, "predict", lambda family, x, label, x_test, seed: guess)
    test = Samples(np.zeros((8, 8)), np.array([0, 0, -1, 0, 0, 1, 1, -1]))
    table = held_out_leakage(TRAIN, test, ["linear"])
    assert table.columns.tolist() == [
        *("family", "accuracy", "majority", "balanced_accuracy", "low", "high", "chance", "n_train", "n_test")
    ]
    row = table.iloc[0]
    assert row["accuracy"] == pytest.approx(4 / 6)
    assert row["balanced_accuracy"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert (row["majority"], row["chance"]) == (pytest.approx(4 / 6), 1 / 2)
    assert (row["n_train"], row["n_test"]) == (240, 6)
    assert row["low"] <= row["balanced_accuracy"] <= row["high"]


@pytest.mark.slow
def test_unknown_labels_change_nothing():
    unknown = Samples(np.full((4, 8), np.nan), np.full(4, -1), np.full(4, -1))
    padded = [Samples(*map(np.concatenate, zip(s[:3], unknown[:3], strict=True))) for s in (TRAIN, TEST)]
    assert held_out_leakage(*padded).equals(held_out_leakage(TRAIN, TEST))


@pytest.mark.slow
def test_the_seed_is_all_that_chance_depends_on():
    np.random.seed(1)  # noqa: NPY002  # the state that nothing may read
    first = held_out_leakage(TRAIN, TEST, ["mlp", "forest"], seed=3)
    np.random.seed(2)  # noqa: NPY002  # the state that nothing may read
    assert held_out_leakage(TRAIN, TEST, ["mlp", "forest"], seed=3).equals(first)
    assert not held_out_leakage(TRAIN, TEST, ["mlp", "forest"], seed=4).equals(first)


def test_max_samples_bounds_the_slow_families():
    table = held_out_leakage(TRAIN, TEST, max_samples=50).set_index("family")
    assert table["n_train"].to_dict() == {"linear": 240, "mlp": 240, "rbf_svm": 50, "forest": 50}


def test_nobody_may_be_on_both_sides():
    shared = TEST._replace(identity=TEST.identity - 62)  # 38..67 against 0..39
    with pytest.raises(ValueError, match="^2 people are in"):
        held_out_leakage(TRAIN, shared, ["linear"])
    unnamed = [s._replace(identity=np.full(len(s.label), -1)) for s in (TRAIN, TEST)]
    held_out_leakage(*unnamed, ["linear"])


@pytest.mark.parametrize(
    ("side", "change", "message"),
    [
        ("train", {"label": np.full(240, 2)}, "training set has 1 classes in 240 known samples"),
        ("train", {"label": np.full(240, -1)}, "training set has 0 classes in 0 known"),
        ("test", {"label": np.zeros(180, int)}, "test set has 1 classes"),
        ("test", {"identity": np.full(180, 7000)}, "test set has one person"),
        ("test", {"embedding": np.full((180, 8), np.inf)}, "test embeddings are not finite"),
        ("test", {"embedding": np.zeros((180, 9))}, "differ in length: 8 and 9"),
        ("test", {"embedding": np.zeros((7, 8))}, r"test embeddings are \(7, 8\), the labels \(180,\)"),
    ],
)
def test_what_cannot_be_probed_is_refused(side, change, message):
    sets = {"train": TRAIN, "test": TEST}
    sets[side] = sets[side]._replace(**change)
    with pytest.raises(ValueError, match=message):
        held_out_leakage(sets["train"], sets["test"], ["linear"])


def test_a_constant_representation_reads_at_chance():
    nothing = [s._replace(embedding=np.full((len(s.label), 5), 0.1)) for s in (TRAIN, TEST)]
    table = held_out_leakage(*nothing)
    np.testing.assert_allclose(table["balanced_accuracy"], 1 / 3)


def test_the_interval_counts_subjects():
    correct = np.arange(40) % 2 == 0
    label = np.repeat([0, 1], 20)
    alone = balanced_interval(correct, label, np.arange(40))
    assert alone[0] < 0.5 < alone[1]
    # forty copies of every answer by the same person say no more than one
    copies = balanced_interval(correct.repeat(40), label.repeat(40), np.arange(40).repeat(40))
    assert copies == pytest.approx(alone, rel=0.05)  # Student's quantile, and a variance of 19 degrees
    strangers = balanced_interval(correct.repeat(40), label.repeat(40), np.arange(1600))
    assert np.diff(strangers) < np.diff(alone) / 5
    # binomial: two recalls of 20 answers each
    assert np.diff(alone) == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 20 / 2), rel=0.15)


def test_the_null_lies_around_chance_and_a_leak_above_it():
    rng = np.random.default_rng(0)
    shuffled = [TRAIN._replace(label=rng.permutation(TRAIN.label)) for _ in range(30)]
    null = np.array([held_out_leakage(x, TEST, ["linear"])["balanced_accuracy"].item() for x in shuffled])
    assert null.std() > 0
    assert abs(null.mean() - 1 / 3) < 3 * null.std() / np.sqrt(30)
    assert held_out_leakage(TRAIN, TEST, ["linear"])["balanced_accuracy"].item() > null.max()


@pytest.mark.parametrize(
    ("before", "after", "chance", "published"),
    [  # thesis, table 4.1, as eq. 4.1 gives them to a decimal
        (96.8, 96.3, 50, 1.1),
        (96.8, 59.4, 50, 79.9),  # 75.0 in print
        (99.2, 98.9, 50, 0.6),
        (99.2, 72.7, 50, 53.9),
        (98.8, 98.6, 100 / 3, 0.3),
        (98.8, 67.4, 100 / 3, 48.0),  # 47.9 with a chance of 33.3
        (88.1, 59.6, 16.7, 39.9),
        (88.1, 41.6, 16.7, 65.1),
        (88.1, 16.7, 16.7, 100.0),
        (88.1, 25.0, 16.7, 88.4),
        (77.4, 58.3, 16.7, 31.5),
        (77.4, 44.7, 16.7, 53.9),
    ],
)
def test_removed_is_the_thesis_difference(before, after, chance, published):
    assert leakage_reduction(before / 100, after / 100, chance / 100) == pytest.approx(published, abs=0.05)


def test_nothing_can_be_removed_where_nothing_was():
    assert np.isnan(leakage_reduction(0.5, 0.5, 0.5))
    assert np.isnan(leakage_reduction(0.48, 0.45, 0.5))
    assert leakage_reduction(0.75, 1.0, 0.5) == -100


def test_the_share_removed_is_at_most_all_and_never_of_luck():
    assert leakage_reduction(0.585, 0.44, 0.5) == 100  # 170.6 by the equation alone
    assert np.isnan(leakage_reduction(0.585, 0.44, 0.5, low=0.49))
    assert leakage_reduction(0.585, 0.5425, 0.5, low=0.51) == pytest.approx(50)
    assert np.isnan(leakage_reduction(0.509, 0.5, 0.5, low=0.505))
    assert leakage_reduction(0.511, 0.5, 0.5, low=0.505) == 100
