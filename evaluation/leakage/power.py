"""Power of the permutation test: the smallest leak that it would have found in these embeddings."""

from math import nan

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression
from sklearn.tree import DecisionTreeClassifier

from evaluation.leakage.fold_probes import balanced_accuracy
from evaluation.leakage.shuffled_labels import Scheme, possible_schemes, shuffled, varies
from evaluation.leakage.shuffled_units import Bench
from evaluation.probes.standardise import standardise
from evaluation.samples.arrays import Floats, Ints

_FOLLOWING = np.linspace(0, 1, 11) ** 1.5  # shares of subjects; denser where the curve is steep
_MOST = 0.99  # a leak that has to be stronger than this to be found is out of reach
_WANTED = 0.8  # probability of finding the smallest leak


def power_curve(
    bench: Bench,
    *,
    alpha: float = 0.05,
    draws: int = 50,
    permutations: int = 399,
    scheme: Scheme | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Estimate how often the permutation test finds a planted leak, by its size.

    Embeddings, subjects and the number of samples of each class stay; only the labels are planted. A draw
    takes a random direction of the standardised embedding. A share of the subjects follows it, the others do
    not, and the share grows from 0 to 1:

    - `across subjects`: the classes of the following subjects are in the order of their mean along the
      direction; the other subjects exchange their classes.
    - `within subjects`: the labels of a following subject are in the order of its samples along the
      direction; those of the others change places. Each subject keeps its number of samples of each class.

    Therefore this is the power against a leak that is linear, along one direction like any other. Against one
    along a direction that hardly varies within subjects, or one that needs a curved boundary, it may be
    higher or lower.

    The planted labellings are tested as `permutation_tests` tests the table: units that were drawn together
    have one label, and the best of the kernel probes counts, against the statistics of shuffled labels. These
    do not depend on the plant but for its class sizes, so all draws share those of the table. The kernels do
    not depend on labels either; the time grows with the square of the samples.

    Args:
        bench: units and probes of one representation and one attribute.
        alpha: level of the test; a leak is found where p <= alpha (for Holm's procedure, that of the step).
        draws: number of directions.
        permutations: number of shuffles. All draws share them, so more pay off than in a test.
        scheme: how the test shuffles labels; the narrowest of `possible_schemes` if None.
        seed: seed of every random choice.

    Returns:
        One row for each share of following subjects: `accuracy`, the mean over the draws of the balanced
        accuracy that the best thresholds on the planted direction have (what a perfect linear attacker reads
        from one sample); `detected`, share of the draws in which the leak is found; `draws`. The first row
        has no leak.

    Raises:
        ValueError: too few permutations for p <= alpha.
    """
    if (1 + permutations) * alpha < 1:
        raise ValueError(f"{permutations} permutations cannot give p <= {alpha:g}; ask for {1 / alpha:.0f}")
    units = bench.units
    label, subjects, unit = units.label, units.subject, units.unit
    scheme = scheme or possible_schemes(label, subjects)[-1]
    rng = np.random.default_rng(seed)
    scored = varies(label, subjects)[subjects][unit] if scheme == "within subjects" else unit >= 0
    z = standardise(units.x, units.x)[0]
    planted, readable = [], []
    for _ in range(draws):
        along = z @ rng.normal(size=z.shape[1])
        labellings = plant(np.bincount(unit, along) / np.bincount(unit), label, subjects, scheme, rng)[
            :, unit
        ]
        planted.append(labellings)
        readable.append(_readable(along[scored], labellings[:, scored]))
    null = [shuffled(label, subjects, scheme, rng)[unit] for _ in range(permutations)]
    labels = np.concatenate([*planted, np.stack(null)])
    predictions = bench.probes.predict(labels)
    statistic = np.max([balanced_accuracy(p[:, scored], labels[:, scored]) for p in predictions], axis=0)
    found, drawn = np.split(statistic, [draws * len(_FOLLOWING)])
    p_value = (1 + (drawn >= found[:, None]).sum(1)) / (1 + permutations)
    return pd.DataFrame(
        {
            "accuracy": np.mean(readable, axis=0),
            "detected": (p_value <= alpha).reshape(draws, -1).mean(0),
            "draws": draws,
        }
    )


def smallest_leak(curve: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Find the smallest leak that is found with a power of 80 %.

    Args:
        curve: rows of `power_curve`; a monotone fit smooths them, and is interpolated.
        alpha: level of the test that the curve is of.

    Returns:
        One row: `accuracy` (balanced), `power`, `alpha`. The accuracy is nan if the curve does not reach the
        power, or only above .99.
    """
    curve = curve.sort_values("accuracy")
    accuracy = curve["accuracy"].to_numpy()
    detected = IsotonicRegression().fit_transform(accuracy, curve["detected"])
    least = nan
    if (detected >= _WANTED).any():
        above = int((detected >= _WANTED).argmax())
        some = slice(max(above - 1, 0), above + 1)
        least = float(np.interp(_WANTED, detected[some], accuracy[some]))
    return pd.DataFrame([{"accuracy": least if least <= _MOST else nan, "power": _WANTED, "alpha": alpha}])


def plant(along: Floats, label: Ints, subjects: Ints, scheme: Scheme, rng: np.random.Generator) -> Ints:
    """Plant labels that follow a direction, for ever more of the subjects; see `power_curve`.

    Args:
        along: (U,) places of the units along the direction.
        label: (U,) classes of the table.
        subjects: (U,) subject of each unit, numbered 0, 1, ... without gaps.
        scheme: how the test shuffles labels.
        rng: source of the random numbers.

    Returns:
        (11, U); the last follows the direction wholly, except that with `across subjects` those of several
        classes never do.
    """
    rest = shuffled(label, subjects, "within subjects", rng)
    order = rng.random(int(subjects.max()) + 1)  # in which the subjects begin to follow
    if scheme == "within subjects":
        whole = np.empty_like(label)
        whole[np.lexsort((along, subjects))] = label[np.lexsort((label, subjects))]
        return np.stack([np.where((order < share)[subjects], whole, rest) for share in _FOLLOWING])
    single = np.flatnonzero(~varies(label, subjects))
    mean = np.bincount(subjects, along) / np.bincount(subjects)
    first = np.unique(subjects, return_index=True)[1]
    by_place = single[np.argsort(mean[single])]
    classes = np.sort(label[first[single]])  # of the subjects in this order, where all follow
    found = []
    for share in _FOLLOWING:
        others = np.flatnonzero(order[by_place] >= share)
        mixed = classes.copy()
        mixed[others] = rng.permutation(classes[others])
        of_subject = np.full(len(order), -1)
        of_subject[by_place] = mixed
        planted = of_subject[subjects]
        found.append(np.where(planted >= 0, planted, rest))
    return np.stack(found)


def _readable(along: Floats, labellings: Ints) -> Floats:
    """Compute the balanced accuracy of the best thresholds on a direction (N,) for labellings (S, N).

    The thresholds are those of the last labelling, which follows the direction: in the others a share of the
    labels is independent of it, which changes the accuracy and not the best thresholds.
    """
    leaves = int(labellings.max()) + 1
    tree = DecisionTreeClassifier(max_leaf_nodes=leaves, class_weight="balanced", random_state=0)
    prediction = tree.fit(along[:, None], labellings[-1]).predict(along[:, None])
    return balanced_accuracy(np.broadcast_to(prediction, labellings.shape), labellings)
