import numpy as np
import pytest
from scipy.stats import norm

from evaluation.leakage.learning_fit import FORMS, fit_curves

N = np.array([250.0, 500, 1000, 2000, 4000])
CURVES = {
    "power law": lambda n: 0.7 - 4 * n**-0.5,
    "probit": lambda n: 2 * norm.cdf(1.8 / np.sqrt(1 + 3000 / n)) - 1,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_curve_of_the_form_is_recovered_far_beyond_its_data(form):
    curve = CURVES[form]
    fit = fit_curves(form, N, curve(N)[None])
    np.testing.assert_allclose(fit.predict(N)[0], curve(N), atol=0.01)
    np.testing.assert_allclose(
        fit.predict(np.array([8000, 40000]))[0], curve(np.array([8000, 40000])), atol=0.03
    )


@pytest.mark.parametrize("form", FORMS)
def test_fits_of_many_curves_are_those_of_each(form):
    curves = np.clip(CURVES[form](N) + 0.05 * np.random.default_rng(0).normal(size=(20, 5)), -0.2, 1)
    together = fit_curves(form, N, curves).predict(10 * N)
    alone = [fit_curves(form, N, curve[None]).predict(10 * N)[0] for curve in curves]
    np.testing.assert_allclose(together, alone)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("curve", [np.linspace(0.5, 0.1, 5), -np.ones(5), np.ones(5), np.zeros(5)])
def test_predictions_never_fall_and_stay_between_chance_and_1(form, curve):
    predicted = fit_curves(form, N, curve[None]).predict(np.geomspace(100, 1e6, 20))[0]
    assert (np.diff(predicted) >= -1e-12).all()
    assert (predicted >= 0).all()
    assert (predicted <= 1).all()
    if curve[0] in (1, 0):
        np.testing.assert_allclose(predicted, curve[0], atol=0.003)


def test_the_probit_form_is_the_accuracy_of_fishers_discriminant():
    """Estimate the direction from n samples of two classes; the accuracy is known in closed form."""
    rng, width, half = np.random.default_rng(0), 100, 1.0  # half the distance of the means
    n = np.array([50, 100, 200, 400, 800, 8000])
    accuracy = []
    for size in n:
        w = np.zeros((200, width))
        w[:, 0] = half
        w += rng.normal(size=w.shape) / np.sqrt(size)  # half the difference of the means of size / 2 each
        accuracy.append(norm.cdf(half * w[:, 0] / np.linalg.norm(w, axis=1)).mean())
    readings = 2 * np.array(accuracy) - 1
    fit = fit_curves("probit", n[:5].astype(float), readings[None, :5])
    assert fit.predict(n[5:])[0, 0] == pytest.approx(readings[5], abs=0.015)
    law = fit_curves("power law", n[:5].astype(float), readings[None, :5])
    assert abs(law.predict(n[5:])[0, 0] - readings[5]) < 0.06
