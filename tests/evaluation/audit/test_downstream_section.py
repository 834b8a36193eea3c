from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, recall_score

from evaluation.audit import downstream_section
from evaluation.audit.packed_readings import REPLICATES
from evaluation.audit.plan import plan
from evaluation.audit.rows import choose_rows
from evaluation.audit.settings import AuditSettings
from evaluation.fairness import classifiers
from evaluation.fairness.classifiers import Downstream
from evaluation.fairness.signed_gaps import signed_gaps
from tests.support.biased_people import people, random_answers

SETTINGS = AuditSettings(
    target="attractive", bias=0.8, biases=[0.5, 0.9], downstream_draws=2, permutations=0, tsne=0
)


def measured(data, settings=SETTINGS, name="sees_group"):
    one = replace(data, embeddings={name: data.embeddings[name]})
    return downstream_section.measure_downstream(one, "smiling", choose_rows(data, settings), settings)


def answered_by_hand(monkeypatch, *doses):
    """Validation and test answers of different skill at each dose."""
    answers = {
        dose: Downstream(random_answers(seed=i, skill=2.0), random_answers(seed=i, skill=0.5))
        for i, dose in enumerate(doses)
    }
    monkeypatch.setattr(downstream_section, "sweep_bias", lambda *_, **options: answers)
    return answers


@pytest.mark.slow
def test_candidates_hold_the_answers_at_the_bias(monkeypatch):
    answers = answered_by_hand(monkeypatch, 0.5, 0.8, 0.9)[0.8]
    row = measured(people(300))["candidates"].iloc[0]
    for part, given in (("val", answers.val), ("test", answers.test)):
        groups = [given.group == g for g in (0, 1)]
        by_group = [accuracy_score(given.target[mine], given.prediction[mine]) for mine in groups]
        tpr = [recall_score(given.target[mine], given.prediction[mine]) for mine in groups]
        assert row[f"{part}_accuracy"] == pytest.approx(accuracy_score(given.target, given.prediction))
        assert row[f"{part}_worst_group_accuracy"] == pytest.approx(min(by_group))
        assert row[f"{part}_tpr_gap"] == pytest.approx(abs(tpr[1] - tpr[0]))
    assert row["val_accuracy"] > row["test_accuracy"] + 0.1


@pytest.mark.slow
def test_all_other_frames_are_of_the_test(monkeypatch):
    answers = answered_by_hand(monkeypatch, 0.5, 0.8, 0.9)
    frames = measured(people(300))
    np.testing.assert_array_equal(frames["signed_gaps"]["gap"], signed_gaps(answers[0.8].test)["gap"])
    gaps = frames["dose_response"].set_index(["measure", "bias"])["gap"]
    slopes = frames["dose_slopes"].set_index("measure")
    for measure in slopes.index:
        assert gaps[measure, 0.9] == signed_gaps(answers[0.9].test).set_index("measure")["gap"][measure]
        line = np.polyfit([0.5, 0.8, 0.9], gaps[measure].loc[[0.5, 0.8, 0.9]], 1)
        assert slopes.loc[measure, "slope"] == pytest.approx(line[0])


def test_one_bias_has_no_slope(monkeypatch):
    answered_by_hand(monkeypatch, 0.8)
    frames = measured(people(300), replace(SETTINGS, biases=[]))
    assert set(frames) == {"downstream", "signed_gaps", "dose_response", "candidates", REPLICATES}


def test_leakage_is_read_among_the_people_of_each_part_alone(monkeypatch):
    answered_by_hand(monkeypatch, 0.8)
    data = people(600)
    x = data.embeddings["sees_group"].copy()
    x[data.split == 2, 1] = np.random.default_rng(0).normal(size=(data.split == 2).sum())
    row = measured(replace(data, embeddings={"sees_group": x}))["candidates"].iloc[0]
    assert row["val_leakage"] > 0.95
    assert row["test_leakage"] == pytest.approx(0.5, abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize("balance", [None, "ethnicity"])
def test_balance_reaches_every_draw(monkeypatch, balance):
    data = people(600)
    rng = np.random.default_rng(0)
    tied = np.where(rng.random(len(data)) < 0.5, 2 * data.labels["attractive"], data.labels["ethnicity"])
    data = replace(data, labels=data.labels | {"ethnicity": tied})
    drawn, draw_biased_rows = [], classifiers.draw_biased_rows

    def recorded(*arguments, **options):
        drawn.append(draw_biased_rows(*arguments, **options))
        return drawn[-1]

    monkeypatch.setattr(classifiers, "draw_biased_rows", recorded)
    measured(data, replace(SETTINGS, balance=balance, biases=[0.5], downstream_draws=2))
    assert len(drawn) == 12, "training, validation and test of two draws at two biases"
    for rows in drawn:
        cells = Counter(zip(data.labels["attractive"][rows], tied[rows], strict=True))
        assert (len(cells) == 6 and len(set(cells.values())) == 1) == (balance is not None)


def steps(attributes=("smiling", "gender", "ethnicity", "attractive"), **options):
    data = people(60)
    settings = replace(SETTINGS, attackers=["linear"], **options)
    found = plan(data, data, settings, choose_rows(data, settings), list(attributes))
    return [step for step in found if step.section == "downstream"]


def test_the_groups_are_two_neither_the_target_nor_balanced():
    assert [step.attribute for step in steps()] == ["smiling"] * 2 + ["gender"] * 2
    assert [step.attribute for step in steps(balance="gender")] == ["smiling"] * 2
    with pytest.raises(ValueError, match="of two classes beside attractive and smiling"):
        steps(balance="smiling", attributes=("smiling", "ethnicity"))


@pytest.mark.parametrize(
    ("option", "other", "depends"),
    [
        ("balance", "ethnicity", True),
        ("bias", 0.6, True),
        ("biases", [0.5], True),
        ("downstream_draws", 3, True),
        ("folds", 3, True),
        ("leakage_at_most", 0.6, False),
    ],
)
def test_what_the_measurement_depends_on_is_in_its_key(option, other, depends):
    assert (steps()[0].options != steps(**{option: other})[0].options) == depends
