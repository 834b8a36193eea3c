from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.audit.verification_verdict import verification_verdicts
from tests.support.made_audit import crossed, make_audit

X = "x tells subjects apart with AUC .9900 [.9850, .9950] and EER 4.0 % [3.0, 5.0]"
X += ", and 55.0 % of genuine pairs are accepted at a FMR of 0.1 %"


def compared(after, spread=0.0005):
    """An audit in which phi has this AUC, and both move together in the draws."""
    audit = make_audit()
    frame = audit.frames["verification"]
    audit.frames["verification"] = frame.assign(auc=frame["representation"].map({"x": 0.99, "phi": after}))
    rng = np.random.default_rng(0)
    together, alone = rng.normal(0, 0.01, 400), rng.normal(0, spread, 400)
    draws = {"x": 0.99 + together, "phi": after + together + alone}
    audit.frames["_verification_draws"] = pd.concat(
        [
            pd.DataFrame({"representation": n, "metric": "cosine", "auc": d, "eer": d})
            for n, d in draws.items()
        ]
    )
    return audit


def test_one_representation_has_its_figures():
    audit = make_audit(names=("x",), score=(0.68,))
    audit.frames.pop("identification", None)
    within = audit.frames.pop("verification_within")
    assert verification_verdicts(audit) == [f"{X}."]
    identification = crossed(representation=["x"], rank=[1, 5], group=["", "women"])
    audit.frames["identification"] = identification.assign(
        group_attribute=identification["group"].replace("women", "gender"),
        rate=0.8, low=0.7, high=0.9, gallery=1200,
    )  # fmt: skip
    assert verification_verdicts(audit) == [
        f"{X}; among 1,200 enrolled subjects the right one has rank 1 for 80.0 % [70.0, 90.0] of the probes."
    ]
    del audit.frames["identification"]
    audit.frames["verification_within"] = within
    same = "subjects of the same emotion with AUC .9700 and EER 8.0 %"
    assert verification_verdicts(audit) == [f"{X}; {same}."]
    audit.frames["verification"] = audit.frames["verification"].assign(**{"tar_at_1e-3": np.nan})
    assert "FMR" not in verification_verdicts(audit)[0], "too few impostors"


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (0.98, "that is less than before (AUC .9900 in x, a change of −0.0100 [−0.0"),
        (0.999, "that is more than before (AUC .9900 in x, a change of +0.0090 [+0.0"),
        (0.9902, "no change is shown (AUC .9900 in x, a change of +0.0002 [−0.0"),
    ],
)
def test_a_change_is_judged_by_the_paired_interval(after, words):
    (sentence,) = verification_verdicts(compared(after))
    assert sentence.startswith("phi tells subjects apart with AUC ")
    assert words in sentence


def test_without_draws_the_change_has_no_judgement():
    audit = compared(0.98)
    del audit.frames["_verification_draws"]
    (sentence,) = verification_verdicts(audit)
    assert sentence.endswith("; AUC .9900 in x, a change of −0.0100.")
    audit.frames["verification"] = audit.frames["verification"].assign(auc_low=np.nan)
    assert "AUC .9800 and EER" in verification_verdicts(audit)[0]


def test_attributes_are_not_needed():
    audit = replace(compared(0.98), attributes=(), classes={}, caveats=[])
    assert len(verification_verdicts(audit)) == 1


def test_without_verification_nothing_is_said():
    audit = make_audit()
    del audit.frames["verification"]
    assert verification_verdicts(audit) == []
