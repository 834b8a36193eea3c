import numpy as np
import pytest

from evaluation.erasers.quick_leakage import quick_leakage


def test_what_only_unscaled_neighbours_read_counts():
    """A ring tells the class in two wide features, beside many narrow ones of noise."""
    rng = np.random.default_rng(0)
    n = 1200
    label = rng.integers(2, size=n)
    turn, radius = rng.uniform(0, 2 * np.pi, n), 10.0 + 6 * label
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * radius[:, None]
    w = np.hstack([ring, rng.normal(size=(n, 60))])
    found = quick_leakage((w[:400], label[:400]), w[400:], label[400:], np.arange(n - 400), seed=0)
    assert found.leakage > 0.95
    assert found.attacker == "knn"
    scaled = w / w.std(0)
    equal = quick_leakage((scaled[:400], label[:400]), scaled[400:], label[400:], np.arange(n - 400), seed=0)
    assert equal.leakage < 0.85


def test_halves_of_one_class_are_refused():
    w, label = np.eye(4), np.array([0, 0, 0, 1])
    with pytest.raises(ValueError, match="give more of them"):
        quick_leakage((w, label), w, label, np.arange(4), seed=0)
