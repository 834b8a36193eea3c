import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from evaluation.leakage.cross_fitted_leakage import cross_fitted_leakage
from evaluation.probes.attackers import attack
from evaluation.probes.user_estimator import load_estimator
from tests.support.known_leaks import leaking

TREES = "sklearn.ensemble.ExtraTreesClassifier"


def test_an_estimator_is_seeded_and_weighs_the_classes_equally():
    samples, other = leaking("linear", people=20), leaking("linear", people=10, seed=1)
    estimator = load_estimator(TREES, 3)
    assert (estimator.random_state, estimator.class_weight) == (3, "balanced")
    read = attack(TREES, samples.embedding, samples.label, other.embedding, [{}], 3)[0]
    reference = ExtraTreesClassifier(random_state=3, class_weight="balanced")
    expected = reference.fit(samples.embedding, samples.label).predict(other.embedding)
    np.testing.assert_array_equal(read, expected)


def test_sample_weights_stand_in_for_class_weights():
    rng = np.random.default_rng(0)
    label = (rng.random(400) < 0.05).astype(int)
    x = rng.normal(size=(400, 2)) + label[:, None]
    read = attack("sklearn.naive_bayes.GaussianNB", x, label, x, [{}], 0)[0]
    assert read[label == 1].mean() > 0.6


@pytest.mark.slow
def test_the_audit_takes_a_class_path_as_an_attacker():
    options = {"folds": 2, "scalings": ["standardised"]}
    table = cross_fitted_leakage(leaking("linear", people=20), attackers=["knn", TREES], **options).table
    assert table["attacker"].tolist() == ["knn", TREES]
    assert table["settings"].iloc[1] == "its own default"
    assert table["balanced_accuracy"].min() > 0.7


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("sklearn.nowhere.Forest", "sklearn.nowhere.Forest cannot be created: No module named"),
        ("sklearn.ensemble.Nothing", "cannot be created: module 'sklearn.ensemble' has no attribute"),
        ("sklearn.preprocessing.StandardScaler", "has no fit and predict"),
        ("sklearn.ensemble.VotingClassifier", "cannot be created: .* required"),
        ("math.sqrt", "attacker math.sqrt cannot be created"),
    ],
)
def test_what_is_no_classifier_is_refused_in_one_line(path, message):
    with pytest.raises(ValueError, match=message) as caught:
        cross_fitted_leakage(leaking("linear", people=10), attackers=[path], folds=2)
    assert "\n" not in str(caught.value)
