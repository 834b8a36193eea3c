import warnings
from dataclasses import replace

import numpy as np
import pytest

from evaluation.fairness.classifiers import downstream
from evaluation.fairness.signed_gaps import signed_gaps
from tests.support.biased_people import optimal_gap, people, rows

PEOPLE = people()
ROWS = rows(PEOPLE)
MANY = people(12_000)


def run(representation="sees_group", data=PEOPLE, target="attractive", group="smiling", **options):
    options = {"head": "linear", "draws": 3} | rows(data) | options
    return downstream(data, representation, target, group, **options)


def gaps(answers):
    return signed_gaps(answers).set_index("measure")


@pytest.mark.slow
@pytest.mark.parametrize(("head", "bias"), [("linear", 0.5), ("linear", 0.8), ("mlp", 0.8)])
def test_a_classifier_that_sees_the_group_learns_the_known_bias(head, bias):
    table = gaps(run(data=MANY, head=head, bias=bias, n_train=3000).test)
    for measure, expected in {"tpr": optimal_gap(bias), "fpr": optimal_gap(bias), "auc": 0}.items():
        row = table.loc[measure]
        assert row["gap"] == pytest.approx(expected, abs=0.05), measure
        assert row["low"] < expected < row["high"], measure
    assert optimal_gap(0.5) == 0
    assert optimal_gap(0.8) > 0.3


def test_a_representation_without_the_group_has_no_gap_to_learn():
    table = gaps(run("blind", bias=0.9).test)
    assert (table["gap"].abs() < 0.04).all()
    assert ((table["low"] < 0) & (table["high"] > 0)).all()


@pytest.mark.slow
def test_the_gap_changes_sign_with_the_bias():
    swapped = replace(MANY, labels=MANY.labels | {"smiling": 1 - MANY.labels["smiling"]})
    for data, bias, sign in ((MANY, 0.2, -1), (swapped, 0.8, 1), (swapped, 0.2, -1)):
        gap = gaps(run(data=data, bias=bias, draws=1).test).loc["tpr", "gap"]
        assert gap == pytest.approx(sign * optimal_gap(0.8), abs=0.05)


def test_samples_are_balanced_as_asked():
    result = run(balance="gender", bias=0.7, n_train=400)
    for answers in result:
        assert answers.n_train == 400
        assert answers.draws == 3
        sizes = answers.counts(answers.draw, 3).sum(-1)
        assert (np.ptp(sizes.reshape(3, -1), axis=1) <= 2).all()
    assert result.test.groups == ("smiling: no", "smiling: yes")
    assert set(PEOPLE.split[np.isin(PEOPLE.identity, result.val.subject)]) == {1}
    assert set(PEOPLE.split[np.isin(PEOPLE.identity, result.test.subject)]) == {2}


def test_all_representations_are_tested_on_the_same_samples():
    first = run(bias=0.5, n_train=200).test
    for other in (run(bias=0.9, n_train=200).test, run("blind", n_train=200).test):
        for column in ("draw", "subject", "group", "target"):
            np.testing.assert_array_equal(getattr(first, column), getattr(other, column))
        assert not np.array_equal(first.score, other.score)
    drawn = [tuple(first.subject[first.draw == draw]) for draw in range(3)]
    assert len(set(drawn)) == 3
    other = run(n_train=200, seed=1).test
    assert not {tuple(other.subject[other.draw == draw]) for draw in range(3)} & set(drawn)


@pytest.mark.slow
def test_the_seed_gives_the_same_answers_at_any_scale():
    first = run(head="mlp", n_train=100, draws=1).test
    tiny = {name: x * np.float32(2.0**-40) for name, x in PEOPLE.embeddings.items()}
    for again in (
        run(head="mlp", n_train=100, draws=1),
        run(data=replace(PEOPLE, embeddings=tiny), head="mlp", n_train=100, draws=1),
    ):
        np.testing.assert_array_equal(again.test.score, first.score)


def test_rows_may_be_numbers_or_a_mask():
    numbers = {name: np.flatnonzero(mask) for name, mask in ROWS.items()}
    np.testing.assert_array_equal(run(**numbers).test.score, run().test.score)


def test_a_score_from_a_half_on_is_the_positive_class():
    for answers in run():
        np.testing.assert_array_equal(answers.prediction, answers.score >= 0.5)


def test_a_smaller_sample_than_asked_for_is_announced():
    with pytest.warns(
        UserWarning, match="90000 training samples were asked for, a bias of 0.7 allows"
    ) as caught:
        result = run(n_train=90_000)
    assert str(result.test.n_train) in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run().test.n_train == result.test.n_train


def test_a_sample_of_unknown_identity_is_a_person_of_its_own():
    nobody = replace(PEOPLE, identity=np.full(len(PEOPLE), -1))
    test = run(data=nobody, n_train=100).test
    times = np.unique(test.subject, return_counts=True)[1]
    assert times.max() == 3
    assert len(np.unique(test.subject[test.draw == 0])) == (test.draw == 0).sum()


def with_labels(**labels):
    return replace(PEOPLE, labels=PEOPLE.labels | labels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "forest"}, "head='forest'"),
        ({"draws": 0}, "draws=0"),
        ({"group": "attractive"}, "must differ, got attractive, attractive"),
        ({"balance": "smiling"}, "must differ"),
        ({"balance": "age"}, "no attribute age; there are attractive, ethnicity, gender, smiling"),
        ({"group": "ethnicity"}, "ethnicity must have two classes, it has a, b, c"),
        ({"representation": "phi"}, "no representation phi; there are sees_group, blind"),
        ({"val_rows": ROWS["test_rows"]}, "1000 people are in both the validation rows and the test rows"),
        ({"train_rows": np.arange(3), "test_rows": np.arange(1, 2)}, "1 people are in both"),
        (
            {"train_rows": ROWS["train_rows"] & (PEOPLE.labels["smiling"] == 0)},
            "training rows: no sample with",
        ),
        ({"val_rows": np.arange(0)}, "validation rows: no sample with attractive=0, smiling=0 among 0"),
        ({"data": replace(PEOPLE, embeddings={"sees_group": np.full((6000, 2), np.nan)})}, "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        run(**options)


def test_rows_of_nobody_known_may_not_be_shared_either():
    nobody = replace(PEOPLE, identity=np.full(len(PEOPLE), -1))
    with pytest.raises(ValueError, match="1 people are in both the training rows and the test rows"):
        run(data=nobody, train_rows=np.arange(10), val_rows=np.arange(20, 30), test_rows=np.arange(9, 15))
