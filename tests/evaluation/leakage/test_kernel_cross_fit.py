import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from evaluation.leakage.kernel_cross_fit import balanced_accuracies, fold_probes, kernel_predictions
from evaluation.leakage.permutation_null import permutation_test
from evaluation.probes.kernel_probe import KERNELS
from tests.support.known_leaks import leaking


def test_the_predictions_are_those_of_the_permutation_test():
    samples = leaking("linear", people=30)
    label = samples.label
    predictions = kernel_predictions(samples.embedding, samples.identity, label[None], 5, 3)
    assert predictions.shape == (len(KERNELS), 1, len(label))
    best = max(balanced_accuracy_score(label, predicted[0]) for predicted in predictions)
    assert best == pytest.approx(permutation_test(samples, permutations=1, seed=3).statistic)


def test_every_sample_is_tested_once_on_another_fold():
    samples = leaking("none", people=12)
    tested = []
    for train, test, _ in fold_probes(samples.embedding, samples.identity, "linear", 4, 0):
        assert not set(samples.identity[train]) & set(samples.identity[test])
        tested += test.tolist()
    assert sorted(tested) == list(range(len(samples.label)))


def test_balanced_accuracies_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    label, prediction = rng.integers(3, size=(2, 4, 50))
    label[0] = np.minimum(label[0], 1)  # a labelling without the last class
    prediction[0] = np.minimum(prediction[0], 1)
    expected = [balanced_accuracy_score(a, b) for a, b in zip(label, prediction, strict=True)]
    np.testing.assert_allclose(balanced_accuracies(prediction, label), expected)
