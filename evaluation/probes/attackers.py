"""Train attackers, and predict the attribute of samples that they have not learned from."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.linalg import LinAlgWarning
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits

from evaluation.probes.attacker_table import TABLE, Family, Setting
from evaluation.probes.kernel_probe import Kernel, KernelProbe
from evaluation.probes.mlp import BATCH, balanced_epoch, fit_mlp
from evaluation.probes.pca_attackers import average, qda, svm_pca
from evaluation.probes.similarity import similarity
from evaluation.probes.standardise import squared_distance
from evaluation.probes.user_estimator import attack_with_estimator
from evaluation.samples.arrays import Floats, Ints

_NEIGHBOUR_CELLS = 2**25  # distances at once, 256 MiB
_KERNEL_ROWS = 4096  # test samples at once, so that memory does not grow with the test set
_ITERATIONS = 100  # of L-BFGS, which converges in fewer unless the problem is ill-conditioned
_HESSIAN = 1024  # weights up to which a few Newton steps are faster than a thousand of L-BFGS
_BINS = 32  # of a feature, for boosting
_UPDATES, _EPOCHS = 4000, (10, 60)  # of the MLP: about this many updates, within these numbers of epochs


def attack(
    attacker: str, train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int
) -> list[Ints]:
    """Train an attacker with each of several settings, and predict the classes of the test set.

    Work that the settings share (distances, neighbours, boosting rounds) is done once.

    Args:
        attacker: any of `ATTACKERS` but `mlp`, whose networks train together in `batched_mlp`; or the class
            path of a user's estimator.
        train: (N, D) embeddings.
        label: (N,) classes 0, 1, ..., at least two of which occur.
        test: (M, D), scaled as `train`.
        settings: S points of the attacker's grid.
        seed: seed of every random choice.

    Returns:
        S arrays of predicted classes, each (M,).
    """
    if "." in attacker:
        return attack_with_estimator(attacker, train, label, test, settings, seed)
    return _ATTACKS[attacker](train, label, test, settings, seed)


def predict(family: Family, train: Floats, label: Ints, test: Floats, seed: int) -> Ints:
    """Train an attacker with its default setting, and predict the classes (M,) of the test set.

    The RBF-SVM takes scikit-learn's gamma "scale". The MLP is scikit-learn's, see `mlp.fit_mlp`.

    Args:
        family: one of `FAMILIES`.
        train: (N, D) standardised embeddings.
        label: (N,) classes, any integers.
        test: (M, D), standardised by the same statistics.
        seed: seed of every random choice.
    """
    if family == "rbf_svm":
        return rbf_svm(train, label, test, [(1.0, 1 / (train.shape[1] * (train.var() or 1.0)))])[0]
    if family != "mlp":
        return attack(family, train, label, test, [TABLE[family].default], seed)[0]
    rng, rows = np.random.default_rng(seed), np.arange(len(train))
    weight = compute_sample_weight("balanced", label)
    count = int(np.clip(_UPDATES * BATCH / len(rows), *_EPOCHS))
    epochs = (balanced_epoch(rng.permutation(rows), weight, rng) for _ in range(count))
    return fit_mlp(train, label, epochs, seed).predict(test.astype(np.float32))


def rbf_svm(train: Floats, label: Ints, test: Floats, settings: Sequence[tuple[float, float]]) -> list[Ints]:
    """Predict as `SVC(kernel="rbf", class_weight="balanced")`, faster: its own kernel goes pair by pair.

    Args:
        train: (N, D) embeddings; the memory is that of two N x N matrices.
        label: (N,) classes, any integers.
        test: (M, D).
        settings: S pairs of C and gamma.

    Returns:
        S arrays of predicted classes, each (M,).
    """
    distance = squared_distance(train, train)
    probes = [
        SVC(C=c, kernel="precomputed", class_weight="balanced").fit(np.exp(-gamma * distance), label)
        for c, gamma in settings
    ]
    found = []
    for block in np.array_split(test, 1 + len(test) // _KERNEL_ROWS):
        distance = squared_distance(block, train)
        pairs = zip(probes, settings, strict=True)
        found.append([probe.predict(np.exp(-gamma * distance)) for probe, (_, gamma) in pairs])
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _linear(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """Train logistic regressions, each from the weights of the one before."""
    found = []
    classes = len(np.unique(label))
    weights = train.shape[1] * (1 if classes == 2 else classes)
    probe = LogisticRegression(class_weight="balanced", warm_start=True)
    # threads gain little on products of this size, and lose much where other work takes their cores
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        # raw features of very different scales may not converge; the row of raw embeddings is to show that
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", LinAlgWarning)
        for setting in settings:
            probe.set_params(C=setting["C"], solver="lbfgs", max_iter=_ITERATIONS).fit(train, label)
            if probe.n_iter_.max() >= _ITERATIONS:  # ill-conditioned, as features of very different scales
                solver = "newton-cholesky" if weights <= _HESSIAN else "lbfgs"
                probe.set_params(solver=solver, max_iter=1000).fit(train, label)
            found.append(probe.predict(test))
    return found


def _rbf_svm(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    return rbf_svm(train, label, test, [(s["C"], s["gamma"] / train.shape[1]) for s in settings])


def _forest(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """Train forests of 100 trees."""
    found = []
    for setting in settings:
        forest = RandomForestClassifier(
            100, min_samples_leaf=int(setting["leaf"]), class_weight="balanced", random_state=seed,
            n_jobs=torch.get_num_threads(),
        )  # fmt: skip
        # one thread adds the votes of the trees up in one order, so the rounding is always the same
        found.append(forest.fit(train, label).set_params(n_jobs=1).predict(test))
    return found


def _knn(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """Predict the most frequent class of the k nearest samples, relative to its frequency in the training."""
    sizes = np.bincount(label)
    vote = np.diag(np.divide(1, sizes, out=np.zeros(len(sizes)), where=sizes > 0))
    nearest = [min(int(setting["k"]), len(train)) for setting in settings]
    centre = train.mean(0)  # subtracted, so that the products do not lose a small spread beside a large mean
    train, test = train - centre, test - centre
    found: list[list[Ints]] = []
    for block in np.array_split(test, 1 + len(test) * len(train) // _NEIGHBOUR_CELLS):
        distance = torch.from_numpy(squared_distance(block, train))
        neighbours = label[distance.topk(max(nearest), largest=False).indices.numpy()]
        votes = vote[neighbours].cumsum(1)
        found.append([votes[:, k - 1].argmax(1) for k in nearest])
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _boosting(train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int) -> list[Ints]:
    """Train gradient boosting on 32 bins with 15 leaves a tree; more bins gain nothing and are far slower.

    The bins are made here: scikit-learn's own, of weighted quantiles, take longer than the trees.
    """
    edges = np.quantile(train, np.arange(1, _BINS) / _BINS, axis=0)
    train, test = (
        np.column_stack([np.searchsorted(*column) for column in zip(edges.T, x.T, strict=True)])
        for x in (train, test)
    )
    rounds = [int(setting["rounds"]) for setting in settings]
    probe = HistGradientBoostingClassifier(
        max_iter=max(rounds), max_leaf_nodes=15, max_bins=_BINS, early_stopping=False,
        class_weight="balanced", random_state=seed,
    )  # fmt: skip
    stages = list(probe.fit(train, label).staged_predict(test))
    return [stages[count - 1] for count in rounds]


def _kernel(kernel: Kernel) -> Callable[[Floats, Ints, Floats, Sequence[Setting], int], list[Ints]]:
    def predict_by_kernel(
        train: Floats, label: Ints, test: Floats, settings: Sequence[Setting], seed: int
    ) -> list[Ints]:
        """Predict by ridge regression in closed form, see `KernelProbe`; it standardises once more."""
        return [KernelProbe(train, test, kernel, "standardised").predict(label[None])[0]] * len(settings)

    return predict_by_kernel


_ATTACKS: dict[str, Callable[[Floats, Ints, Floats, Sequence[Setting], int], list[Ints]]] = {
    "linear": _linear,
    "rbf_svm": _rbf_svm,
    "forest": _forest,
    "knn": _knn,
    "boosting": _boosting,
    "qda": qda,
    "svm_pca": svm_pca,
    "average": average,
    "similarity": similarity,
    "kernel_linear": _kernel("linear"),
    "kernel_rbf": _kernel("rbf"),
}
