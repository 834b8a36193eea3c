import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.neighbors import KNeighborsClassifier

from evaluation.leakage.near_duplicates import _near_distance, _near_pairs, _within, shared_embeddings
from evaluation.samples.subject_folds import subject_folds


def photographs(width: int, subjects: int = 200, images: int = 4, seed: int = 0):
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(subjects), images)
    x = rng.normal(size=(subjects, width))[subject] + 0.6 * rng.normal(size=(len(subject), width))
    return x, subject


def twice(x, subject, noise):
    copy = x + noise * np.random.default_rng(1).normal(size=x.shape)
    return np.concatenate([x, copy]), np.concatenate([subject, subject + subject.max() + 1])


@pytest.mark.parametrize("width", [1, 2, 4, 8, 64, 512])
@pytest.mark.parametrize("change", [lambda x: x, lambda x: 1e-6 * x + 7, lambda x: x.astype(np.float16)])
def test_ordinary_photographs_share_nothing(width, change):
    x, subject = photographs(width)
    x = x if width < 4 else change(x)  # in few dimensions float16 has equal rows by chance
    found = shared_embeddings(x, subject)
    assert len(found.exact) == 0
    assert len(found.near) <= 1
    assert found.merged


@pytest.mark.parametrize(("width", "noise"), [(2, 0.0), (8, 0.0), (8, 1e-3), (64, 0.1), (512, 0.1)])
def test_every_photograph_under_two_ids_is_found(width, noise):
    x, subject = photographs(width)
    found = shared_embeddings(*twice(x, subject, noise))
    pairs = found.near if noise else found.exact
    expected = np.stack([np.arange(800), np.arange(800) + 800], 1)
    assert {tuple(one) for one in expected} <= {tuple(one) for one in pairs}
    assert len(pairs) <= 801
    assert (found.samples, found.subjects, found.merged) == (1600, 400, True)
    np.testing.assert_array_equal(found.units[:800], found.units[800:])
    assert len(np.unique(found.units)) >= 199


def test_photographs_that_are_only_alike_are_not_found():
    found = shared_embeddings(*twice(*photographs(64), noise=0.6))
    assert len(found.near) == 0


def test_units_join_chains_of_subjects():
    x, _ = photographs(16, subjects=60, images=1)
    x[1], x[2:4] = x[0], x[5]
    found = shared_embeddings(x, np.array([0, 1, 1, 2, 3, 4, *range(5, 59)]))
    assert found.exact.tolist() == [[0, 1], [2, 3], [2, 5]]
    assert (found.samples, found.subjects) == (5, 4)
    assert len(np.unique(found.units[[0, 1, 2, 3, 5]])) == 1
    assert len(np.unique(found.units)) == 59 - 3


def test_copies_within_a_subject_are_its_own_affair():
    x, subject = photographs(16)
    x[1::4] = x[::4]
    found = shared_embeddings(x, subject)
    assert (len(found.exact), len(found.near), found.samples) == (0, 0, 0)
    x[4] = x[0]  # now also under another subject: three rows, of which one pair differs in subject first
    found = shared_embeddings(x, subject)
    assert found.exact.tolist() == [[0, 4]]
    assert (found.samples, found.subjects) == (3, 2)


@pytest.mark.parametrize("kind", ["constant", "quantised", "half collapsed"])
def test_a_collapse_is_said_and_not_merged(kind):
    x, subject = photographs(8)
    x = {
        "constant": np.ones_like(x),
        "quantised": np.sign(x[:, :3]),
        "half collapsed": np.where(np.arange(800)[:, None] < 400, 1e-6 * x, x),
    }[kind]
    found = shared_embeddings(x, subject)
    assert not found.merged
    assert found.samples >= 400
    np.testing.assert_array_equal(found.units, subject)


def test_huge_rows_hide_no_copies():
    x, subject = photographs(16)
    x[:8] *= 1e18
    found = shared_embeddings(*twice(x, subject, 0.0))
    assert len(found.exact) == 800


def test_the_search_finds_what_all_distances_show():
    x = photographs(100)[0].astype(np.float32)
    near = float(np.quantile(pdist(x), 0.002))
    found = {(i, j) for pairs in _within(x, near) for i, j in pairs.tolist()}
    distance = squareform(pdist(x.astype(np.float64)))
    expected = {(i, j) for i, j in np.argwhere(distance < near).tolist() if i < j}
    assert found >= expected
    assert len(found) <= len(expected) + 3  # rounding
    assert len(expected) > 600


def test_few_rows_have_no_usual_distance():
    assert _near_distance(np.ones((5, 2), np.float32), np.arange(5), 0) == 0
    assert _near_pairs(np.ones((5, 2), np.float32), np.arange(5), 0)[1]


def test_without_the_copies_chance_is_read():
    """Every photograph twice under two ids, no leak; a copy is in another fold in two of three cases."""
    x, subject = photographs(16, subjects=300, images=2)
    label = np.random.default_rng(0).integers(2, size=300)[subject]
    x, ids = twice(x, subject, 0.0)
    label = np.concatenate([label, label])
    read = []
    for subjects in (ids, shared_embeddings(x, ids).units):
        right = np.zeros(len(label))
        for train, test in subject_folds(np.zeros_like(label), subjects, 3, seed=0):
            nearest = KNeighborsClassifier(1).fit(x[train], label[train])
            right[test] = nearest.predict(x[test]) == label[test]
        read.append(right.mean())
    assert read[0] == pytest.approx(5 / 6, abs=0.05)
    assert read[1] == pytest.approx(1 / 2, abs=0.08)


@pytest.mark.parametrize("images", [3, 5, 10, 20])
def test_all_photographs_under_second_names_are_found(images):
    rng = np.random.default_rng(images)
    subject = np.repeat(np.arange(40), images)
    x = rng.normal(scale=2, size=(40, 16))[subject] + rng.normal(size=(len(subject), 16))
    copies = x + 0.05 * rng.normal(size=x.shape)
    found = shared_embeddings(np.concatenate([x, copies]), np.concatenate([subject, subject + 40]))
    assert found.merged
    assert len(found.near) == len(x), "each with its copy, and no other"
    np.testing.assert_array_equal(found.units[: len(x)], found.units[len(x) :])
    assert len(np.unique(found.units)) == 40
