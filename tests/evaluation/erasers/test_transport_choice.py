"""The settings by a rule: the strongest noise within the bound, then the least readable."""

from functools import partial

import numpy as np
import pytest

from evaluation.erasers import transport_choice
from evaluation.erasers.choice import loss_interval, verification_auc
from evaluation.erasers.quick_leakage import quick_leakage
from evaluation.erasers.transport_choice import choose_transport
from evaluation.erasers.transport_fit import fit_transport
from evaluation.samples.labelled_samples import Samples

D = 8
KEY = "11" * 32
SETTINGS = {"key": KEY, "steps": 20, "components": [4, 8, 9], "sigmas": [0.0, 0.3, 1.0, 3.0]}


def people(first: int, count: int, seed: int) -> Samples:
    """Four samples a subject; class 1 has three times the spread in half of the features."""
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(first, first + count), 4)
    label = subjects % 2
    spread = np.where(label[:, None] == 1, np.where(np.arange(D) < 4, 3, 1), 1)
    x = rng.normal(size=(count, D))[subjects - first] * spread + 0.3 * rng.normal(size=(len(subjects), D))
    return Samples(x, label, subjects)


TRAIN, VALIDATION = people(0, 100, 0), people(100, 60, 1)


@pytest.fixture(scope="module")
def chosen():
    return choose_transport(TRAIN, VALIDATION, 0.1, **SETTINGS)


def test_every_candidate_is_in_the_table(chosen):
    table = chosen.candidates.set_index(["erasure", "components"])
    assert len(table) == 6
    assert (table.loc[(slice(None), 9), "left_out"] == "the embeddings have 8 components").all()
    within = table[table["left_out"] == ""]
    assert len(within)
    assert (within["auc_loss"] <= 0.1).all()
    assert table[table["left_out"] != ""]["leakage"].isna().all()


def test_it_is_the_least_readable_of_the_table(chosen):
    best = chosen.candidates.iloc[0]
    assert best["leakage"] == chosen.candidates["leakage"].min()
    kept = chosen.eraser
    assert (kept.axes.shape[1], kept.sigma) == (best["components"], best["sigma"])
    assert (kept.router is None) == (best["erasure"] == "leace")


def test_the_chosen_eraser_is_that_of_fixed_settings(chosen):
    best = chosen.candidates.iloc[0]
    fixed = {"components": best["components"], "sigma": best["sigma"], "erasure": best["erasure"]}
    expected = fit_transport(*TRAIN[:3], **fixed, key=KEY, steps=20)
    w = chosen.eraser(VALIDATION.embedding)
    np.testing.assert_allclose(w, expected(VALIDATION.embedding), atol=1e-10)
    before = verification_auc(VALIDATION.embedding, VALIDATION.identity)
    assert best["auc_loss"] == pytest.approx(before - verification_auc(w, VALIDATION.identity))
    known = (chosen.eraser(TRAIN.embedding), TRAIN.label)
    read = quick_leakage(known, w, VALIDATION.label, VALIDATION.identity, 0)
    assert best["leakage"] == pytest.approx(read.leakage)


def test_the_noise_is_the_strongest_within_the_bound(chosen):
    loose = choose_transport(TRAIN, VALIDATION, 1.0, **SETTINGS, erasures=["leace"])
    assert (loose.candidates["sigma"].dropna() == 3.0).all()
    tight = chosen.candidates[chosen.candidates["left_out"] == ""]
    assert (tight["sigma"] < 3.0).all()


def test_the_loss_has_an_interval_over_subjects(chosen):
    low, high = chosen.loss_interval
    assert low < chosen.loss < high
    assert chosen.loss == chosen.candidates["auc_loss"][0]
    x, subjects = VALIDATION.embedding, VALIDATION.identity
    worse = x + 2 * np.random.default_rng(0).normal(size=x.shape)
    some, every = (loss_interval(x[:n], worse[:n], subjects[:n], 0) for n in (60, 240))
    assert every[1] - every[0] < some[1] - some[0], "15 and 60 subjects"
    assert loss_interval(x, x, subjects, 0) == (0, 0)
    assert np.isnan(loss_interval(x[:8], worse[:8], subjects[:8], 0)).all(), "two subjects"


def test_readings_tell_a_leak_from_noise():
    rng = np.random.default_rng(0)
    w, label, subjects = VALIDATION.embedding, VALIDATION.label, VALIDATION.identity
    seen = (TRAIN.embedding, TRAIN.label)
    assert quick_leakage(seen, w, label, subjects, 0).leakage > 0.75
    noise = (rng.normal(size=TRAIN.embedding.shape), TRAIN.label)
    assert quick_leakage(noise, rng.normal(size=w.shape), label, subjects, 0).leakage < 0.65


def test_attackers_do_not_learn_from_subjects_they_are_tested_on(monkeypatch):
    met = []

    def spy(attacker, x, classes, test, settings, seed):
        met.append(len(np.intersect1d(np.round(x[:, 0], 6), np.round(test[:, 0], 6))))
        return [np.zeros(len(test), np.int64)]

    monkeypatch.setattr("evaluation.erasers.quick_leakage.attack", spy)
    monkeypatch.setattr("evaluation.erasers.quick_leakage.scale_rows", lambda a, b, _: (a, b))
    constant = np.repeat(VALIDATION.identity[:, None], 2, 1).astype(float)
    seen = (np.zeros((4, 2)), np.array([0, 1, 0, 1]))
    found = quick_leakage(seen, constant, VALIDATION.label, VALIDATION.identity, 0)
    assert met == [0] * 20
    assert found.leakage == 0.5


@pytest.mark.parametrize(
    ("train", "validation", "bound", "message"),
    [
        (TRAIN, people(90, 20, 2), 0.1, "10 subjects are among the training and the validation samples"),
        (
            TRAIN,
            VALIDATION,
            -1.0,
            "no setting has a verification loss of at most -1: leace of 4 components: ",
        ),
        (TRAIN, VALIDATION._replace(identity=None), 0.1, "no two validation samples are of one subject"),
        (TRAIN, people(100, 1, 0), 0.1, "cannot be measured|need at least"),
    ],
)
def test_what_cannot_be_chosen_is_refused(train, validation, bound, message):
    choose = partial(choose_transport, train, validation, bound, **SETTINGS, erasures=["leace"])
    with pytest.raises(ValueError, match=message):
        choose()


def test_leace_alone_fits_no_router(monkeypatch):
    monkeypatch.setattr(
        transport_choice, "fit_router", lambda *args, **more: pytest.fail("a router is fitted")
    )
    assert choose_transport(TRAIN, VALIDATION, 0.1, **SETTINGS, erasures=["leace"]).eraser.router is None
