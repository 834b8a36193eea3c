"""The expected cost that an audit reports with each of its steps."""

import numpy as np
import pytest

from evaluation.audit.run import run_audit
from evaluation.audit.settings import AuditSettings
from evaluation.samples.representations import Representations

SETTINGS = {"attackers": ["linear"], "folds": 2, "tune": False, "permutations": 0, "tsne": 0}
SETTINGS |= {"scalings": ["standardised"], "learning_curve": False, "access": False}


@pytest.mark.slow
def test_what_is_cached_costs_nothing_and_the_rest_adds_up(tmp_path):
    rng = np.random.default_rng(0)
    label = rng.integers(2, size=60)
    data = Representations(
        {"x": rng.normal(size=(60, 3)) + label[:, None]},
        {"smiling": label},
        {"smiling": ("no", "yes")},
        np.arange(60) // 3,
        np.full(60, 2),
        np.arange(60).astype(str),
    )

    def costs(**more) -> list[tuple[str, float, float]]:
        found = []
        settings = AuditSettings(**SETTINGS, suppression_draws=0, **more)
        run_audit(data, settings, tmp_path, lambda step, *cost: found.append((step.section, *cost)))
        return found

    first, again, longer = costs(information=False), costs(information=False), costs(information=True)
    assert len({total for *_, total in first}) == 1
    done = [done for _, done, _ in first]
    assert done[0] == 0
    assert done == sorted(done)
    assert done[-1] < first[0][2]
    assert {cost for (*costs,) in again for cost in costs[1:]} == {0}
    assert [(done, total > 0) for section, done, total in longer if section == "information"] == [(0, True)]
