import numpy as np
import pytest

from benchmarks import audit_speed


def test_both_sides_of_each_comparison_agree(monkeypatch):
    samples = audit_speed.make_samples(400, 16)
    assert audit_speed.compare_svm(samples, 1)["ratio"] > 0
    monkeypatch.setattr(audit_speed, "LARGEST_GAP", 0.05)
    assert audit_speed.compare_linear(samples, 1)["gap"] >= -0.05
    assert audit_speed.compare_boosting(samples, 1)["gap"] >= -0.05
    monkeypatch.setattr(audit_speed, "rbf_svm", lambda x, label, test, settings: [np.zeros(len(test))])
    with pytest.raises(AssertionError, match="predictions differ"):
        audit_speed.compare_svm(samples, 1)
