"""Whom the attackers of an audit learn from: whichever lets them read more."""

import numpy as np
import pytest

from evaluation.audit.rows import choose_rows
from evaluation.audit.sections import measure_leakage
from evaluation.audit.settings import AuditSettings
from evaluation.samples.representations import Representations

UNSEEN, TRAINING = 30, 600


def faces(sign: int) -> Representations:
    """Noise in 40 features but one, which tells the class; of the training people with the sign given."""
    rng = np.random.default_rng(0)
    label = np.arange(UNSEEN + TRAINING) % 2
    split = np.where(np.arange(len(label)) < UNSEEN, 2, 0)
    x = rng.normal(size=(len(label), 40))
    x[:, 0] += 2 * (2 * label - 1) * np.where(split == 2, 1, sign)
    return Representations(
        {"x": x}, {"a": label}, {"a": ("no", "yes")}, np.arange(len(label)), split, np.array(label, str)
    )


@pytest.mark.parametrize(("sign", "learned_from"), [(1, "also training"), (-1, "unseen")])
def test_the_better_of_the_two_is_kept(sign, learned_from):
    settings = AuditSettings(attackers=["linear"], scalings=["standardised", "raw"], folds=3, tune=False)
    one = faces(sign)
    table = measure_leakage(one, "a", choose_rows(one, settings), settings)["leakage"]
    assert table["scaling"].tolist() == ["standardised", "raw"]
    assert table["learned_from"].tolist() == [learned_from, "unseen"]
    assert table["n"].tolist() == [UNSEEN, UNSEEN]
    found = measure_leakage(one, "a", choose_rows(one, AuditSettings(extra=False)), settings)
    alone = found["leakage"]
    assert alone["learned_from"].tolist() == ["unseen", "unseen"]
    gain = table["balanced_accuracy"][0] - alone["balanced_accuracy"][0]
    assert gain > 0.05 if sign == 1 else gain == 0
