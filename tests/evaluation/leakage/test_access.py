import numpy as np
import pytest

from evaluation.leakage.access import access_leakage
from evaluation.leakage.fold_probes import splits_of
from evaluation.leakage.permutation_null import permutation_tests
from evaluation.samples.labelled_samples import Samples, take_samples
from tests.support.known_leaks import leaking

COLUMNS = ["access", "images", "attacker", "balanced_accuracy", "low", "high", "n", "people"]


def hidden():
    """A feature that tells the class, and the same with its sign changed by that of another feature."""
    rng = np.random.default_rng(0)
    label, before = rng.integers(2, size=300), rng.normal(size=(300, 4))
    before[:, 0] = 2 * label - 1 + 0.3 * rng.normal(size=300)
    before[:, 1] += 2 * np.sign(before[:, 1])
    after = before.copy()
    after[:, 0] *= np.sign(before[:, 1])  # an invertible map
    return Samples(after, label, np.repeat(np.arange(100), 3)), before


def readings(table):
    return table.set_index(["attacker", "images"])["balanced_accuracy"]


def test_pairs_undo_a_map_that_hides_from_linear_attackers():
    samples, before = hidden()
    assert readings(access_leakage(samples, "retrained"))["kernel_linear", "1"] < 0.6
    table = access_leakage(samples, "pairs", before)
    assert table.columns.tolist() == COLUMNS
    assert (table["balanced_accuracy"] > 0.95).all()
    assert (table["low"] > 0.9).all()
    assert table[["access", "images", "attacker", "n", "people"]].to_numpy().tolist() == [
        ["pairs", "1", "kernel_linear", 300, 100],
        ["pairs", "1", "kernel_rbf", 300, 100],
    ]


def test_pairs_cannot_rebuild_what_is_gone():
    samples, before = hidden()
    gone = samples._replace(embedding=before[:, 1:])
    assert (access_leakage(gone, "pairs", before)["balanced_accuracy"] < 0.6).all()


def test_pairs_follow_the_samples_that_are_kept():
    samples, before = hidden()
    unknown = samples._replace(label=np.where(np.arange(300) % 3 == 0, -1, samples.label))
    kept = np.arange(300) % 3 > 0
    expected = access_leakage(take_samples(samples, kept), "pairs", before[kept], max_samples=150, seed=1)
    assert access_leakage(unknown, "pairs", before, max_samples=150, seed=1).equals(expected)
    assert expected["n"].tolist() == [150, 150]


@pytest.mark.slow
def test_fused_images_undo_noise_that_hides_single_ones():
    rng = np.random.default_rng(0)
    of_subject, subjects = np.arange(80) % 2, np.repeat(np.arange(80), 16)
    place = rng.normal(size=(80, 4))
    place[:, 0] += 6 * of_subject
    x = place[subjects] + 12 * rng.normal(size=(1280, 4))
    samples = Samples(x, of_subject[subjects], subjects)
    single = readings(access_leakage(samples, "retrained"))["kernel_linear", "1"]
    table = access_leakage(samples, "fused")
    fused = readings(table)["kernel_linear"]
    assert single < 0.65
    assert single < fused["2"] < fused["4"] < fused["all"]
    assert fused["all"] > 0.75
    assert table["n"].tolist() == [640, 640, 320, 320, 80, 80]
    assert (table["people"] == 80).all()


@pytest.mark.slow
def test_without_a_leak_no_access_reads():
    samples = leaking("none", people=60)
    for access in ("retrained", "pairs", "fused", "fused scores"):
        table = access_leakage(samples, access, samples.embedding)
        assert (table["low"] < 0.52).all(), access


def test_added_scores_read_what_a_mean_does_not_hold():
    """By XOR with a sign that differs between images of a subject: their mean holds nothing."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(60), 8)
    of_subject = subjects % 2
    signs = np.tile([-1.0, 1.0], 240)
    x = np.stack([signs, signs * (2 * of_subject - 1)], axis=1) + 0.9 * rng.normal(size=(480, 2))
    samples = Samples(x, of_subject, subjects)
    single = readings(access_leakage(samples, "retrained"))["kernel_rbf", "1"]
    means, added = (readings(access_leakage(samples, x))["kernel_rbf"] for x in ("fused", "fused scores"))
    assert means["all"] < 0.65
    assert single < 0.85 < added["4"] <= added["all"]
    assert added["all"] > 0.95


def test_added_scores_are_of_the_groups_of_the_means():
    samples = leaking("linear", people=40)
    tables = [access_leakage(samples, access) for access in ("fused", "fused scores")]
    same = ["images", "attacker", "n", "people"]
    assert tables[0][same].equals(tables[1][same])
    assert (tables[1]["balanced_accuracy"] > 0.8).all()


def test_an_attribute_that_changes_is_fused_within_its_class():
    samples = leaking("linear", people=40)  # three images of each class of a subject
    table = access_leakage(samples, "fused")
    assert table["images"].tolist() == ["2", "2", "all", "all"]  # no group has four
    assert table["n"].tolist() == [80, 80, 80, 80]
    assert (table["balanced_accuracy"] > 0.8).all()


def test_the_retrained_reading_is_that_of_the_permutation_test():
    samples = leaking("xor", people=40)
    best = access_leakage(samples, "retrained", seed=4)["balanced_accuracy"].max()
    assert best == permutation_tests(samples, permutations=1, seed=4)[-1].statistic


@pytest.mark.parametrize("before", [None, np.zeros((5, 3))])
def test_pairs_need_the_originals(before):
    with pytest.raises(ValueError, match="needs the original embeddings of the same samples"):
        access_leakage(leaking("none"), "pairs", before)


def keyed(x, noise):
    """Add noise that is a function of the image."""
    seeds = [int.from_bytes(row.tobytes(), "little") for row in x]
    return x + noise * np.stack([np.random.default_rng(seed).normal(size=x.shape[1]) for seed in seeds])


@pytest.mark.parametrize("fresh", [True, False])
def test_repeats_of_an_image_undo_fresh_noise_alone(fresh):
    """The image of a subject is embedded 16 times, with fresh noise or with noise that a key determines."""
    rng = np.random.default_rng(0)
    of_subject, subjects = np.arange(100) % 2, np.repeat(np.arange(100), 16)
    image = rng.normal(size=(100, 4))
    image[:, 0] += 6 * of_subject
    x = image[subjects]
    erased = x + 12 * rng.normal(size=x.shape) if fresh else keyed(x, 12)
    table = access_leakage(Samples(erased, of_subject[subjects], subjects), "fused")
    fused = readings(table)["kernel_linear"]
    assert fused["all"] > 0.75 if fresh else fused["all"] < 0.65


ACCESSES = ["retrained", "fused", "fused scores", "pairs"]


def halves():
    """Subjects whose class a direction tells that few of them show; 40 are tested, 400 are others."""
    rng = np.random.default_rng(3)
    subjects = np.repeat(np.arange(440), 2)
    label = np.arange(440)[subjects] % 2
    x = rng.normal(size=(440, 40))[subjects] + 0.5 * rng.normal(size=(880, 40))
    x += 0.7 * (label[:, None] - 0.5) * rng.normal(size=40) / np.sqrt(8)
    samples = Samples(x, label, subjects)
    return take_samples(samples, subjects < 40), take_samples(samples, subjects >= 40)


@pytest.mark.parametrize("access", ACCESSES)
def test_extra_subjects_teach_and_are_not_tested(access):
    tested, extra = halves()
    few = access_leakage(tested, access, tested.embedding)
    more = access_leakage(tested, access, tested.embedding, extra=extra, extra_before=extra.embedding)
    columns = ["access", "images", "attacker", "n", "people"]
    assert few[columns].equals(more[columns])
    assert readings(more)["kernel_linear"].max() > readings(few)["kernel_linear"].max() + 0.05


@pytest.mark.parametrize("access", ACCESSES)
def test_what_cannot_be_learned_from_changes_nothing(access):
    """Extra samples of tested subjects, of classes that are not tested, and of unknown class."""
    tested, extra = halves()
    expected = access_leakage(tested, access, tested.embedding)
    useless = extra._replace(
        label=np.where(extra.identity < 200, 5, np.where(extra.identity < 300, -1, extra.label)),
        identity=np.where(extra.identity < 300, extra.identity, extra.identity % 40),
    )
    found = access_leakage(tested, access, tested.embedding, extra=useless, extra_before=extra.embedding)
    assert found.equals(expected)


def test_extra_rows_are_learned_from_in_every_fold():
    subjects = np.array([0, 0, 1, 1, 2, 2, 3, 4, 4])
    splits = splits_of(subjects, 3, seed=0, tested=6)
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(6))
    for train, test in splits:
        assert set(train) == set(range(9)) - set(test)
    alone = splits_of(subjects[:6], 3, seed=0)
    for (train, test), (fewer, same) in zip(splits, alone, strict=True):
        np.testing.assert_array_equal(test, same)
        np.testing.assert_array_equal(train[:-3], fewer)


def test_labels_of_extra_samples_are_those_of_the_tested():
    """Classes 3 and 7; who numbered them 0 and 1 in the order of the extra ones would read the reverse."""
    tested, extra = halves()
    names = np.array([7, 3])
    few, more = (
        access_leakage(x._replace(label=names[x.label]), "retrained", extra=y._replace(label=names[y.label]))
        for x, y in ((tested, extra), (tested, take_samples(extra, extra.identity < 60)))
    )
    assert readings(few).equals(readings(access_leakage(tested, "retrained", extra=extra)))
    assert readings(more).max() < readings(few).max()


def test_extra_originals_of_another_number_are_refused():
    tested, extra = halves()
    with pytest.raises(ValueError, match="needs the original embeddings of the same samples"):
        access_leakage(tested, "pairs", tested.embedding, extra=extra, extra_before=extra.embedding[1:])
    far = extra._replace(embedding=np.where(extra.identity[:, None] == 50, np.inf, extra.embedding))
    with pytest.raises(ValueError, match="extra embeddings are not finite"):
        access_leakage(tested, "retrained", extra=far)
