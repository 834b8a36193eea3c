import numpy as np

from evaluation.report.group_tables import demographic_tables
from evaluation.samples.wording import MISSING
from tests.support.made_audit import make_audit


def test_differentials_stand_beside_those_of_random_groups():
    audit = make_audit()
    frame = audit.frames["demographic_differentials"]
    _, table = demographic_tables(audit)
    assert table.rows[0] == ["x", "FDR", "0.9", "[0.8, 0.95]", "0.95", "0.85", ".032"]
    audit.frames["demographic_differentials"] = frame.assign(high=np.nan, null_95=np.nan, p_value=np.nan)
    _, table = demographic_tables(audit)
    assert table.rows[0][3:] == [MISSING, "0.95", MISSING, MISSING]
    assert "drawn at random" in table.caption
