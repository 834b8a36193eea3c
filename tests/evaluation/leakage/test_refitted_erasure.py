from functools import partial

import numpy as np
import pytest

from evaluation.erasers.leace import fit_leace
from evaluation.leakage.cross_fitted_leakage import cross_fitted_leakage
from evaluation.leakage.refitted_erasure import CROWDS, refitted_erasure
from evaluation.samples.labelled_samples import Samples
from tests.support.known_leaks import leaking

LINEAR = {"attackers": ["linear"], "folds": 3}


def nothing(x, label, subjects):
    """An eraser that changes nothing."""
    return lambda rows: rows


def leace(x, label, subjects):
    return fit_leace(x, label)


def read(samples, fit, **options):
    return float(refitted_erasure(samples, fit, **LINEAR | options).table["balanced_accuracy"].iloc[0])


def test_without_eraser_it_is_the_cross_fitted_leakage() -> None:
    samples = leaking("linear", people=29)
    options = {**LINEAR, "repeats": 2, "seed": 3, "scalings": ["standardised", "unit"]}
    found = refitted_erasure(samples, nothing, **options)
    expected = cross_fitted_leakage(samples, tune=False, **options)
    np.testing.assert_array_equal(found.correct, expected.correct)
    shared = [name for name in expected.table if name in found.table]
    assert {"balanced_accuracy", "low", "high", "spread", "n", "people", "n_train"} <= {*shared}
    assert found.table[shared].equals(expected.table[shared])


@pytest.mark.parametrize("crowd", CROWDS)
def test_no_eraser_learns_from_a_tested_subject(crowd) -> None:
    samples = leaking("none", people=12)
    seen: list[set[int]] = []

    def fit(x, label, subjects):
        np.testing.assert_array_equal(x[:, 0], samples.embedding[np.isin(samples.identity, subjects)][:, 0])
        seen.append(set(subjects.tolist()))
        return lambda rows: rows

    found = refitted_erasure(samples, fit, crowd=crowd, **LINEAR, repeats=2)
    assert len(seen) == 6
    for fold in (seen[:3], seen[3:]):
        if crowd == "unseen":
            assert all(len(subjects) == 4 for subjects in fold)
        else:  # every subject is left out once
            assert sorted(s for subjects in fold for s in {*range(12)} - subjects) == [*range(12)]
    n_train = {"seen": 48, "unseen": 24, "tested": 60}[crowd]
    assert found.table["n_train"].tolist() == [n_train]


def test_an_eraser_of_known_rows_fails_before_other_crowds() -> None:
    samples = leaking("linear", people=60)

    def memorise(x, label, subjects):
        known, rng = {row.tobytes() for row in x}, np.random.default_rng(0)
        return lambda rows: np.stack(
            [rng.normal(size=len(row)) if row.tobytes() in known else row for row in rows]
        )

    assert read(samples, memorise, repeats=3) < 0.65, "attackers have learned from noise"
    assert read(samples, memorise, repeats=3, crowd="unseen") > 0.85


def test_leace_hides_a_linear_leak_from_unseen_subjects() -> None:
    samples = leaking("linear", people=150)
    assert read(samples, nothing) > 0.85
    for crowd in CROWDS:
        assert read(samples, leace, crowd=crowd) < 0.58


def test_images_of_the_tested_subjects_tell_what_is_their_own() -> None:
    rng = np.random.default_rng(0)
    subject, label = np.repeat(np.arange(12), 20), np.tile([0, 1], 120)
    own = rng.normal(size=(12, 40)) * 3  # the direction in which the classes of a subject differ
    x = (2 * label - 1)[:, None] * own[subject] + rng.normal(size=(240, 40))
    samples = Samples(x, label, subject)
    assert read(samples, nothing) < 0.65
    assert read(samples, nothing, crowd="tested") > 0.9


def test_verification_is_that_among_tested_subjects() -> None:
    samples = leaking("none", people=30)
    collapsed = partial(np.ones_like, dtype=np.float64)
    found = refitted_erasure(samples, lambda *known: collapsed, **LINEAR, repeats=2)
    assert found.auc.tolist() == [0.5, 0.5]
    assert found.table["balanced_accuracy"].tolist() == [0.5]
    kept = refitted_erasure(samples, nothing, **LINEAR, repeats=2)
    assert (kept.auc > 0.8).all()
    assert (kept.eer < 0.3).all()
    unknown = refitted_erasure(samples._replace(identity=None), nothing, **LINEAR)
    assert np.isnan(unknown.auc).all()


def test_intervals_are_over_subjects_not_images() -> None:
    few, many = (leaking("linear", people=29, images=images, seed=2) for images in (6, 60))
    widths = []
    for samples in (few, many):
        row = refitted_erasure(samples, nothing, **LINEAR).table.iloc[0]
        widths.append(row["high"] - row["low"])
        assert row["people"] == 29
    assert widths[1] > 0.3 * widths[0], "ten times the images of one subject are not ten times the evidence"


@pytest.mark.parametrize(
    ("people", "options", "message"),
    [
        (2, {}, "2 people; 3 are needed"),
        (12, {"crowd": "all"}, "crowd is one of seen, unseen, tested, not 'all'"),
    ],
)
def test_what_cannot_be_divided_is_refused(people, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        refitted_erasure(leaking("linear", people=people), nothing, **LINEAR | options)


def test_a_rare_class_is_refused() -> None:
    samples = leaking("linear", people=12)
    rare = np.where(np.asarray(samples.identity) < 2, 2, samples.label)
    with pytest.raises(ValueError, match="a class of the attribute has 2 subjects, too few for 3 folds"):
        refitted_erasure(samples._replace(label=rare), nothing, **LINEAR)
