"""Erasers that learn from some subjects, attacked with others."""

import numpy as np
import pytest

from evaluation.leakage.cross_fitted_leakage import cross_fitted_leakage
from evaluation.leakage.unseen_crowd import unseen_crowd_leakage
from evaluation.samples.labelled_samples import Samples, take_samples
from evaluation.samples.subject_folds import drawn_subjects

OPTIONS = {"attackers": ["kernel_linear"], "scalings": ["standardised"], "folds": 3, "tune": False}


def drawn(subjects: int, first: int = 0, seed: int = 0, width: int = 60) -> Samples:
    """Two images of each subject, whose first feature tells the class of the subject."""
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(subjects), 2) + first
    label = identity % 2
    x = rng.normal(size=(subjects, width)).repeat(2, 0) + 0.1 * rng.normal(size=(2 * subjects, width))
    x[:, 0] += 3 * label
    return Samples(x, label, identity)


def fit_means(x, label):
    """Delete the line through the two means, which a few subjects place badly."""
    line = x[label == 1].mean(0) - x[label == 0].mean(0)
    line /= np.linalg.norm(line)
    return lambda rows: rows - np.outer(rows @ line, line)


def test_it_is_the_audit_of_the_erased_embeddings():
    tested, crowd = drawn(60), drawn(80, first=60, seed=1)
    seen = []

    def fit(x, label):
        seen.append((x, label))
        return fit_means(x, label)

    found = unseen_crowd_leakage(tested, crowd, fit, share=0.25, seed=3, **OPTIONS)
    ((x, label),) = seen
    half = drawn_subjects(crowd.identity, 0.25, 3)
    np.testing.assert_array_equal(x, crowd.embedding[half])
    np.testing.assert_array_equal(label, crowd.label[half])
    erase, rest = fit_means(x, label), take_samples(crowd, ~half)
    expected = cross_fitted_leakage(
        tested._replace(embedding=erase(tested.embedding)),
        extra=rest._replace(embedding=erase(rest.embedding)),
        seed=3,
        **OPTIONS,
    )
    np.testing.assert_array_equal(found.correct, expected.correct)
    (row,) = found.table.to_dict("records")
    assert row["balanced_accuracy"] == expected.table["balanced_accuracy"][0]
    assert (row["fitted"], row["fitted_people"], row["learned_from"]) == (40, 20, "unseen crowd")


def test_subjects_of_the_fit_teach_attackers_less():
    """The control: the same attackers learn from as many subjects that the eraser was fitted to."""
    tested, crowd = drawn(300), drawn(300, first=300, seed=1)
    found = unseen_crowd_leakage(tested, crowd, fit_means, **OPTIONS).table
    half = drawn_subjects(crowd.identity, 0.5, 0)
    erase, fitted = fit_means(crowd.embedding[half], crowd.label[half]), take_samples(crowd, half)
    in_sample = cross_fitted_leakage(
        take_samples(tested, tested.identity < 40)._replace(embedding=erase(tested.embedding[:80])),
        extra=fitted._replace(embedding=erase(fitted.embedding)),
        **OPTIONS,
    ).table
    few = unseen_crowd_leakage(take_samples(tested, tested.identity < 40), crowd, fit_means, **OPTIONS).table
    assert few["balanced_accuracy"][0] > in_sample["balanced_accuracy"][0] + 0.05
    assert found["balanced_accuracy"][0] > 0.6


def test_all_of_the_crowd_can_be_fitted():
    found = unseen_crowd_leakage(drawn(60), drawn(40, first=60), fit_means, share=1, **OPTIONS).table
    assert found["learned_from"].tolist() == ["unseen"]
    assert found["fitted_people"].tolist() == [40]


def test_unknown_labels_are_in_neither_part():
    crowd = drawn(80, first=60, seed=1)
    some = crowd._replace(label=np.where(crowd.identity % 4 == 0, -1, crowd.label))
    known = take_samples(crowd, some.label >= 0)
    tables = [unseen_crowd_leakage(drawn(60), x, fit_means, **OPTIONS).table for x in (some, known)]
    assert tables[0].equals(tables[1])


def test_the_crowd_is_of_other_subjects():
    with pytest.raises(ValueError, match="20 of the subjects tested are also in the crowd"):
        unseen_crowd_leakage(drawn(60), drawn(40, first=40), fit_means, **OPTIONS)
