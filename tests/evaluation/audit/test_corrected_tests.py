import pandas as pd
import pytest

from evaluation.audit.corrected_tests import correct_tests


def permutation(*rows):
    """Tests of one attribute in the representations x, y, ..., by p-value, exceedances and shuffles."""
    return pd.DataFrame(
        [
            {"representation": name, "attribute": "gender", "hypothesis": hypothesis}
            | {"p_value": p, "exceedances": exceedances, "permutations": shuffles}
            for name, hypothesis, p, exceedances, shuffles in rows
        ]
    )


def test_all_tests_are_one_family():
    frames = {
        "permutation": permutation(
            ("x", "readable at all", 0.001, 0, 999), ("x", "beyond identity", 0.02, 19, 999)
        ),
        "confident": pd.DataFrame(
            {"representation": "x", "attribute": "gender", "share": [0.1, 1.0], "p_value": 0.3}
        ).assign(exceedances=59, permutations=199),
    }
    found = correct_tests(frames)
    assert found["permutation"]["p_holm"].tolist() == pytest.approx([0.003, 0.04])
    assert found["permutation"]["significant"].tolist() == [
        True,
        False,
    ]  # .02 may be .03, of which Holm makes .06
    assert found["confident"]["p_holm"].tolist() == pytest.approx([0.3, 0.3])
    assert found["confident"]["enough"].all()
    assert len(found["confident"]) == 2


@pytest.mark.parametrize(("shuffles", "significant"), [(19, False), (58, False), (59, True)])
def test_few_shuffles_are_never_enough(shuffles, significant):
    row = ("x", "readable at all", 1 / (shuffles + 1), 0, shuffles)
    (found,) = correct_tests({"permutation": permutation(row)}).values()
    assert (found["significant"].item(), found["enough"].item()) == (significant, significant)


def test_a_test_that_stopped_early_had_enough():
    row = ("x", "readable at all", 0.5, 20, 40)
    (found,) = correct_tests({"permutation": permutation(row)}).values()
    assert found["enough"].item()
    assert not found["significant"].item()


def test_without_tests_there_is_nothing():
    assert correct_tests({"leakage": pd.DataFrame()}) == {}
