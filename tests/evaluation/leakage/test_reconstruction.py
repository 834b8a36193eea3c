import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from evaluation.leakage.reconstruction import _RIDGES, reconstruct
from evaluation.probes.standardise import standardise


@pytest.mark.parametrize("kind", ["linear", "curved"])
def test_the_regression_has_the_smallest_error_left_out(kind):
    rng = np.random.default_rng(0)
    after, unseen = rng.normal(size=(40, 3)), rng.normal(size=(10, 3))
    before = after @ rng.normal(size=(3, 2)) + 0.3 * rng.normal(size=(40, 2))
    if kind == "curved":
        before = np.column_stack([after[:, 0] * after[:, 1], after[:, 2] ** 2])
    target, rebuilt = reconstruct(after, before, unseen)
    np.testing.assert_allclose(target, (before - before.mean(0)) / before.std(0))
    x, x_new = standardise(after, unseen)
    probes = [
        KernelRidge(kernel=kernel, gamma=1 / 3, alpha=ridge * (1 if kernel == "rbf" else 3))
        for kernel in ("linear", "rbf")
        for ridge in _RIDGES
    ]
    errors = [np.square(cross_val_predict(p, x, target, cv=LeaveOneOut()) - target).mean() for p in probes]
    best = probes[int(np.argmin(errors))]
    assert best.kernel == ("linear" if kind == "linear" else "rbf")
    np.testing.assert_allclose(rebuilt, best.fit(x, target).predict(x_new), rtol=1e-6)
