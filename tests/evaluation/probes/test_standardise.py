import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import RobustScaler, StandardScaler, normalize

from evaluation.probes.standardise import SCALINGS, scale_rows

RNG = np.random.default_rng(0)
TRAIN, TEST = RNG.normal(3, [1, 5, 0.1], size=(80, 3)), RNG.normal(3, [1, 5, 0.1], size=(30, 3))
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def test_the_scalings_are_those_of_scikit_learn():
    scaler = StandardScaler().fit(TRAIN)
    robust = RobustScaler().fit(TRAIN)
    clipped = [np.clip(2 * robust.transform(x), -6, 6) for x in (TRAIN, TEST)]
    of_clipped, of_unit = StandardScaler().fit(clipped[0]), StandardScaler().fit(normalize(TRAIN))
    expected = {
        "standardised": [scaler.transform(x) for x in (TRAIN, TEST)],
        "raw": [TRAIN, TEST],
        "robust": [of_clipped.transform(x) for x in clipped],
        "unit": [of_unit.transform(normalize(x)) for x in (TRAIN, TEST)],
    }
    assert set(expected) == set(SCALINGS)
    for scaling, pair in expected.items():
        for ours, theirs in zip(scale_rows(TRAIN, TEST, scaling), pair, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(arrays(np.float32, (7, 3), elements=FLOATS), arrays(np.float32, (4, 3), elements=FLOATS))
@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_float32_is_scaled_to_something_finite(scaling, train, test):
    for x in scale_rows(train, test, scaling):
        assert np.isfinite(x).all()


@pytest.mark.parametrize("scaling", ["standardised", "robust", "unit"])
@pytest.mark.parametrize("scale", [1e-40, 1e30])
def test_one_scale_of_everything_changes_nothing(scaling, scale):
    for ours, theirs in zip(
        scale_rows(TRAIN * scale, TEST * scale, scaling), scale_rows(TRAIN, TEST, scaling), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_huge_rows_leave_the_others_as_they_were_if_robust():
    huge = TRAIN.copy()
    huge[:2] *= 1e25
    robust, plain = (scale_rows(huge, TEST, scaling)[1] for scaling in ("robust", "standardised"))
    without = scale_rows(TRAIN, TEST, "robust")[1]
    for feature in range(3):
        assert np.corrcoef(robust[:, feature], without[:, feature])[0, 1] > 0.99
    assert np.ptp(plain, 0).max() < 1e-9, "the control: standardised rows lose all but the huge ones"


def test_a_length_for_each_row_changes_nothing_if_unit():
    length = np.exp(RNG.normal(scale=30, size=(80, 1)))
    for ours, theirs in zip(
        scale_rows(TRAIN * length, TEST, "unit"), scale_rows(TRAIN, TEST, "unit"), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_sparse_feature_keeps_what_it_tells_if_robust():
    sparse = np.where(np.arange(80) % 20 == 0, 1.0, 0.0)[:, None]  # both quartiles are 0
    scaled = scale_rows(sparse, sparse, "robust")[0]
    np.testing.assert_allclose(scaled, scale_rows(sparse, sparse, "standardised")[0], atol=1e-9)
    constant = np.full((80, 1), 0.1)
    assert not scale_rows(constant, constant, "robust")[0].any()
