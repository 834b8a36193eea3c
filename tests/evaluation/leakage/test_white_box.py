"""An attacker who inverts the map of each class: reads what class maps only hide, and less under noise."""

import numpy as np
import pytest

from evaluation.leakage.access import access_leakage
from evaluation.leakage.white_box import candidates, class_scores
from evaluation.samples.labelled_samples import Samples
from tests.support.class_maps import ClassMaps, unit_embeddings
from tests.support.known_leaks import leaking


@pytest.fixture(scope="module")
def maps():
    fitted = unit_embeddings(people=1000, seed=1)
    return ClassMaps(fitted.embedding, fitted.label)


def reading(samples, access, before=None, maps=None):
    return access_leakage(samples, access, before, maps=maps, folds=3)["balanced_accuracy"].max()


def test_the_candidate_of_the_own_class_is_the_original(maps):
    x, label, _, _ = unit_embeddings(people=50)
    z = maps.erase(x, label)
    found = candidates(maps, x[:60], z[:60], z[60:])
    assert found.shape == (2, 40, 16), "the length is known"
    np.testing.assert_allclose(found[label[60:], np.arange(40)], x[60:], atol=1e-5)
    other = found[1 - label[60:], np.arange(40)]
    assert np.abs(np.linalg.norm(other, axis=1) - 1).mean() > 0.1, "is no embedding of length 1"


def test_a_length_that_was_scaled_away_is_tried_in_three_sizes(maps):
    x, label, _, _ = unit_embeddings(people=100)
    z = maps.erase(x, label, unit=True)
    found = candidates(maps, x[:100], z[:100], z[100:])
    assert found.shape == (6, 100, 16)
    own = found.reshape(2, 3, 100, 16)[label[100:], :, np.arange(100)]
    error = np.linalg.norm(own - x[100:, None], axis=2)
    assert np.median(error.min(1)) < 0.1
    assert set(error.argmin(1)) == {0, 1, 2}


def test_pairs_teach_the_attacker_to_weigh_noise(maps):
    x, label, _, _ = unit_embeddings(people=200)
    z = maps.erase(x, label, noise=1.0)
    plain = (z[200:] - maps.target) @ np.linalg.inv(maps.maps[0]).T + maps.means[0]
    found = candidates(maps, x[:200], z[:200], z[200:])[1]
    of_zero = label[200:] == 0
    errors = [np.linalg.norm((rows - x[200:])[of_zero], axis=1).mean() for rows in (plain, found)]
    assert errors[1] < 0.8 * errors[0]


@pytest.mark.slow
def test_class_maps_hide_from_others_alone_and_noise_helps(maps):
    samples = unit_embeddings(people=300)
    x, label = samples.embedding, samples.label
    raw = reading(samples, "retrained")
    erased = {noise: samples._replace(embedding=maps.erase(x, label, noise)) for noise in (0, 0.3)}
    black = {noise: reading(z, "retrained") for noise, z in erased.items()}
    white = {noise: reading(z, "white box", x, maps) for noise, z in erased.items()}
    assert raw > 0.75
    assert black[0] < raw - 0.2
    assert white[0] > raw - 0.05
    assert white[0] > reading(erased[0], "pairs", x) + 0.2
    assert black[0.3] < white[0.3] < white[0] - 0.15


def test_the_columns_are_those_of_the_other_accesses(maps):
    samples = unit_embeddings(people=30)
    table = access_leakage(samples, "white box", samples.embedding, maps=maps, folds=3)
    assert table[["access", "images", "attacker", "n", "people"]].to_numpy().tolist() == [
        ["white box", "1", "kernel_linear", 60, 30],
        ["white box", "1", "kernel_rbf", 60, 30],
    ]


class Nothing:
    """Maps whose candidates say nothing: they are the embeddings themselves."""

    means, maps, target = np.zeros((2, 8)), np.stack([np.eye(8)] * 2), np.zeros(8)

    def coordinates(self, x):
        return x


def test_without_a_leak_nothing_is_read():
    samples = leaking("none", people=60)
    table = access_leakage(samples, "white box", samples.embedding, maps=Nothing(), folds=3)
    assert (table["low"] < 0.52).all()


def test_what_the_erased_embedding_shows_is_read_too():
    samples = leaking("linear", people=40)
    noise = np.random.default_rng(0).normal(size=samples.embedding.shape)
    assert reading(samples, "white box", noise, Nothing()) > 0.8


def test_scores_of_classes_tell_near_and_far():
    rng = np.random.default_rng(0)
    label = np.repeat([0, 2], 30)
    gallery = np.eye(3)[label] + 0.1 * rng.normal(size=(60, 3))
    rows = np.array([[1.0, 0, 0], [0, 0, 2]])
    scores = class_scores(gallery, label, rows, classes=3)
    assert scores.shape == (2, 13)
    ridge, first, ten, density = np.split(scores[:, :12], 4, axis=1)
    for part in (ridge, first, ten, density):
        assert part[0, 0] > part[0, 2]
        assert part[1, 2] > part[1, 0]
        assert (part[:, 1] == 0).all(), "a class that does not occur"
    unit = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    cosines = unit @ (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T
    np.testing.assert_allclose(first[:, 0], cosines[:30].max(0), atol=1e-5)
    np.testing.assert_allclose(ten[:, 2], np.sort(cosines[30:], axis=0)[-10:].mean(0), atol=1e-5)
    np.testing.assert_allclose(scores[:, -1], np.log([1, 2]), atol=1e-9)


def test_what_the_white_box_needs():
    samples = leaking("none", people=10)
    x = samples.embedding
    with pytest.raises(ValueError, match="needs the maps of the eraser"):
        access_leakage(samples, "white box", x)
    with pytest.raises(ValueError, match="needs the original embeddings"):
        access_leakage(samples, "white box", maps=Nothing())
    with pytest.raises(ValueError, match="the maps are of 8 components, the embedding has 3"):
        access_leakage(samples._replace(embedding=x[:, :3]), "white box", x, maps=Nothing())


def test_classes_of_few_samples_are_described():
    rng = np.random.default_rng(0)
    label = np.where(np.arange(60) < 4, 2, np.arange(60) % 2)
    samples = Samples(rng.normal(size=(60, 8)), label, np.arange(60) // 2)
    table = access_leakage(samples, "white box", samples.embedding, maps=Nothing(), folds=3)
    assert np.isfinite(table["balanced_accuracy"]).all()
