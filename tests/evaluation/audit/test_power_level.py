"""The level of the power that an audit states, which is that of its corrected tests."""

import numpy as np
import pytest

from evaluation.audit.run import run_audit
from evaluation.audit.settings import AuditSettings
from evaluation.samples.representations import Representations

SETTINGS = AuditSettings(
    attackers=["linear"], folds=2, tune=False, tsne=0, compared=0, suppression_draws=0, information=False
)


@pytest.mark.slow
def test_power_is_of_the_level_that_each_corrected_test_has(tmp_path):
    rng = np.random.default_rng(0)
    label = rng.integers(2, size=60)
    data = Representations(
        {name: rng.normal(size=(60, 3)) for name in ("x", "phi")},
        {"smiling": label},
        {"smiling": ("no", "yes")},
        np.arange(60) // 3,
        np.full(60, 2),
        np.arange(60).astype(str),
    )
    audit = run_audit(data, SETTINGS, tmp_path)
    tests = 2 * 3  # representations, tests of each
    assert audit.frames["smallest_leak"]["alpha"].to_list() == pytest.approx([0.05 / tests] * 2)
