import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from evaluation.probes.attacker_table import TABLE
from evaluation.probes.attackers import attack
from evaluation.probes.pca_attackers import average, qda, svm_pca, whitened_components

RNG = np.random.default_rng(0)
LABEL = RNG.integers(2, size=700)
X = RNG.normal(size=(700, 9)) * np.r_[5, 3, np.ones(7)]
X[:, 0] *= 1 + 1.5 * LABEL  # the classes differ in spread alone
TRAIN, TEST, SHOWN, ASKED = X[:500], X[500:], LABEL[:500], LABEL[500:]


def test_the_components_are_those_of_scikit_learn():
    ours = whitened_components(TRAIN, TEST, 4)
    pca = PCA(4, whiten=True).fit(TRAIN)
    for x, reference in zip(ours, (TRAIN, TEST), strict=True):
        np.testing.assert_allclose(np.abs(x), np.abs(pca.transform(reference)), atol=1e-9)


def test_components_without_variance_are_left_out():
    flat = np.concatenate([TRAIN, TRAIN @ RNG.normal(size=(9, 3))], 1)  # of rank 9
    assert whitened_components(flat, flat, 12)[0].shape == (500, 9)
    for x in whitened_components(np.full((40, 3), 0.1), TEST[:, :3], 3):
        assert x.shape[1] == 1
        assert np.isfinite(x).all()


@pytest.mark.parametrize("shrinkage", [0.1, 0.5])
def test_qda_is_that_of_scikit_learn(shrinkage):
    setting = {"components": 6, "shrinkage": shrinkage}
    found = qda(TRAIN, SHOWN, TEST, [setting], 0)[0]
    reference = QuadraticDiscriminantAnalysis(reg_param=shrinkage, priors=[0.5, 0.5])
    model = make_pipeline(PCA(6, whiten=True), reference).fit(TRAIN, SHOWN)
    np.testing.assert_array_equal(found, model.predict(TEST))
    assert balanced_accuracy_score(ASKED, found) > 0.65


def test_the_svm_is_that_of_scikit_learn():
    found = svm_pca(TRAIN, SHOWN, TEST, [{"components": 3, "C": 10}, {"components": 5, "C": 1}], 0)
    for read, k, c in zip(found, (3, 5), (10, 1), strict=True):
        svm = SVC(C=c, gamma=1 / k, class_weight="balanced")
        np.testing.assert_array_equal(
            read, make_pipeline(PCA(k, whiten=True), svm).fit(TRAIN, SHOWN).predict(TEST)
        )


@pytest.mark.parametrize("name", ["qda", "svm_pca", "average", "similarity"])
def test_three_classes_of_which_one_is_absent(name):
    label = np.where(SHOWN == 1, 2, 0)
    for read in attack(name, TRAIN, label, TEST, TABLE[name].grid, 0):
        assert set(np.unique(read)) <= {0, 2}
    three = np.digitize(TRAIN[:, 0], [-3, 3])
    truth = np.digitize(TEST[:, 0], [-3, 3])
    found = [
        balanced_accuracy_score(truth, read) for read in attack(name, TRAIN, three, TEST, TABLE[name].grid, 0)
    ]
    assert max(found) > 0.75


def test_the_average_reads_what_either_reads():
    setting = {"components": 9, "C": 1}
    assert balanced_accuracy_score(ASKED, average(TRAIN, SHOWN, TEST, [setting], 0)[0]) > 0.6
    shifted = TRAIN + 4 * SHOWN[:, None], TEST + 4 * ASKED[:, None]
    assert balanced_accuracy_score(ASKED, average(shifted[0], SHOWN, shifted[1], [setting], 0)[0]) > 0.95
