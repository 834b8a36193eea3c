"""Class matching: losses against plain forms, the encoder against torch's, what it hides and keeps."""

import numpy as np
import pytest
import torch
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC
from torch import nn

from evaluation.erasers import matching_choice, matching_fit
from evaluation.erasers.choice import verification_auc
from evaluation.erasers.matching import Matching
from evaluation.erasers.matching_choice import choose_matching
from evaluation.erasers.matching_fit import _draw_mixtures, _draw_pairs, _prepare, fit_matching
from evaluation.erasers.matching_losses import class_discrepancy, identity_loss
from evaluation.erasers.transport import unit_rows
from evaluation.erasers.transport_fit import labelled_rows
from evaluation.samples.labelled_samples import Samples

FAST = {"dimensions": 8, "hidden": 64, "steps": 100}


def people(count: int, seed: int, first: int = 0) -> Samples:
    """Four samples a subject; the first of 16 features is 4 or -4 in class 1, which no linear map tells."""
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(count), 4)
    label = subjects % 2
    place = rng.normal(size=(count, 16))
    place[:, 0] = 4 * rng.choice([-1, 1], count) * (np.arange(count) % 2)
    return Samples(place[subjects] + 0.3 * rng.normal(size=(len(subjects), 16)), label, subjects + first)


TRAIN, OTHERS = people(100, 0), people(100, 1, 100)


def test_the_discrepancy_is_unbiased_by_definition():
    rng = np.random.default_rng(0)
    z, label = rng.normal(size=(30, 3)), np.repeat([0, 1, 2], [8, 10, 12])
    squared = ((z[:, None] - z[None]) ** 2).sum(2)
    widths = np.median(squared) * np.array([2, 1, 0.5, 0.25, 0.125])
    kernel = np.exp(-squared[..., None] / widths).mean(2)
    found = []
    for a in range(3):
        for b in range(a + 1, 3):
            own = [np.flatnonzero(label == c) for c in (a, b)]
            inside = [np.mean([kernel[i, j] for i in rows for j in rows if i != j]) for rows in own]
            found.append(sum(inside) - 2 * kernel[np.ix_(*own)].mean())
    value = class_discrepancy(torch.from_numpy(z), torch.from_numpy(label), 3).item()
    # torch takes the lower of two medians
    assert value == pytest.approx(np.mean(found), rel=0.02)


def test_equal_classes_have_no_discrepancy_on_average():
    rng = np.random.default_rng(0)
    label = torch.arange(60) % 2
    values = [class_discrepancy(torch.from_numpy(rng.normal(size=(60, 4))), label, 2) for _ in range(300)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(300)
    assert class_discrepancy(torch.from_numpy(rng.normal(size=(60, 4))) + label[:, None], label, 2) > 0.1


def test_identity_knows_impostors_of_the_same_class_alone():
    rng = np.random.default_rng(0)
    z = torch.from_numpy(rng.normal(size=(8, 5)))
    label = torch.tensor([0, 0, 1, 1, 0, 1, 1, 0])  # the third subject has samples of both classes
    unit = z / z.norm(dim=1, keepdim=True)
    expected = []
    for i in range(8):
        partner = i ^ 1
        score = [float(unit[i] @ unit[j]) / 0.1 for j in range(8) if j != i and label[j] == label[i]]
        if label[partner] != label[i]:
            score.append(float(unit[i] @ unit[partner]) / 0.1)
        expected.append(np.log(np.exp(score).sum()) - float(unit[i] @ unit[partner]) / 0.1)
    assert identity_loss(z, label).item() == pytest.approx(np.mean(expected))


@pytest.fixture
def training():
    return _prepare(TRAIN.embedding, labelled_rows(*TRAIN[:3]))


def test_pairs_are_two_samples_of_a_subject(training):
    pairs = _draw_pairs(training, np.random.default_rng(0)).numpy().reshape(-1, 2)
    assert (TRAIN.identity[pairs[:, 0]] == TRAIN.identity[pairs[:, 1]]).all()
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert sorted(TRAIN.identity[pairs[:, 0]]) == list(range(100)), "there are no more"


def test_mixtures_are_of_two_samples_of_a_class(training):
    mixed, label = _draw_mixtures(training, np.random.default_rng(0))
    assert np.bincount(label).tolist() == [200, 200]
    assert mixed[label == 0, 0].abs().max() < 2
    assert mixed[label == 1, 0].abs().median() > 2
    # E[s^2 + (1 - s)^2] is 13 / 16 of a share of Beta(.3, .3)
    other = (mixed[:, 1:].var(0) / training.v[:, 1:].var(0)).mean()
    assert other == pytest.approx(13 / 16, abs=0.05)


def test_other_samples_are_mixed_in_every_step(training, monkeypatch):
    monkeypatch.setattr(matching_fit, "_ROWS", 40)
    monkeypatch.setattr(matching_fit, "_MIXING", 1e-9)  # one of the two alone
    rng = np.random.default_rng(0)
    draws = [_draw_mixtures(training, rng)[0] for _ in range(60)]
    assert all(len(draw) == 40 for draw in draws)
    nearest = torch.cdist(torch.cat(draws), training.v).min(1)
    assert nearest.values.max() < 0.01
    assert len(nearest.indices.unique()) > 350, "of 400 samples"


def recorded(monkeypatch, name):
    """Record the arguments of a loss, which it still computes."""
    asked, function = [], getattr(matching_fit, name)
    monkeypatch.setattr(matching_fit, name, lambda *x: (asked.append(x), function(*x))[1])
    return asked


def test_classes_are_matched_in_two_scalings(monkeypatch):
    asked = recorded(monkeypatch, "class_discrepancy")
    fit_matching(*TRAIN[:3], **FAST | {"steps": 1})
    (unit, *_), (standard, *_) = asked
    torch.testing.assert_close(unit.norm(dim=1), torch.ones(400))
    torch.testing.assert_close(standard.std(0), torch.ones(8))
    torch.testing.assert_close(standard, (unit - unit.mean(0)) / unit.std(0))


def test_inputs_have_the_noise_of_one_subject(monkeypatch):
    """At first the outputs are the leading components, so the noise is their distance from the samples."""
    asked = recorded(monkeypatch, "identity_loss")
    fitted = fit_matching(*TRAIN[:3], **FAST | {"steps": 1, "dimensions": 16})
    v = (unit_rows(TRAIN.embedding) - fitted.mean) @ fitted.axes
    distance = torch.cdist(asked[0][0].double(), torch.from_numpy(unit_rows(v))).min(1).values
    assert distance.min() > 0.05
    alike = TRAIN.embedding[TRAIN.identity * 4]  # all samples of a subject
    fit_matching(alike, *TRAIN[1:3], **FAST | {"steps": 1, "dimensions": 16})
    v = unit_rows(alike)
    v = (v - v.mean(0)) @ fit_matching(alike, *TRAIN[1:3], **FAST | {"steps": 1}).axes
    assert torch.cdist(asked[1][0].double(), torch.from_numpy(unit_rows(v))).min(1).values.max() < 1e-3


@pytest.mark.parametrize("silent", ["identity_loss", "class_discrepancy"])
def test_each_loss_moves_the_encoder(monkeypatch, silent):
    """Adam's first step is the rate, whatever the gradient; without one there is weight decay alone."""
    start = np.eye(8, 16, dtype=np.float32)
    monkeypatch.setattr(matching_fit, silent, lambda z, *_: 0 * z.sum())
    moved = fit_matching(*TRAIN[:3], **FAST | {"steps": 1}).direct - start
    assert np.median(np.abs(moved)) == pytest.approx(1e-3, rel=0.05)
    monkeypatch.setattr(matching_fit, "identity_loss", lambda z, *_: 0 * z.sum())
    monkeypatch.setattr(matching_fit, "class_discrepancy", lambda z, *_: 0 * z.sum())
    assert np.abs(fit_matching(*TRAIN[:3], **FAST | {"steps": 1}).direct - start).max() < 1e-4


def test_the_spread_is_the_covariance_within_subjects(training):
    covariance = (training.spread.T @ training.spread).numpy()
    each = [np.cov(TRAIN.embedding[TRAIN.identity == one].T) for one in range(100)]
    np.testing.assert_allclose(covariance, np.mean(each, axis=0), atol=1e-6)


def test_the_encoder_is_that_of_torch():
    fitted = fit_matching(*TRAIN[:3], **FAST | {"steps": 5})
    network = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 8))
    arrays = [fitted.hidden, fitted.hidden_bias, fitted.out, fitted.out_bias]
    network.load_state_dict(dict(zip(network.state_dict(), map(torch.from_numpy, arrays), strict=True)))
    u = unit_rows(OTHERS.embedding)
    v = torch.from_numpy(fitted.scale * (u - fitted.mean) @ fitted.axes).float()
    with torch.no_grad():
        z = nn.functional.normalize(network(v) + v @ torch.from_numpy(fitted.direct).T, dim=1)
    np.testing.assert_allclose(fitted(OTHERS.embedding), z, atol=1e-5)
    np.testing.assert_allclose(fitted(1e3 * OTHERS.embedding), fitted(OTHERS.embedding), atol=1e-9)


def test_it_hides_the_class_and_keeps_unseen_subjects_apart():
    accuracy, auc = {}, {}
    for name, steps in (("components", 1), ("matched", 500)):
        z = fit_matching(*TRAIN[:3], **FAST | {"weight": 300.0, "steps": steps})(OTHERS.embedding)
        attacked = [z[k::4] for k in range(4)]  # one sample of each subject
        scores = [cross_val_score(SVC(), part, OTHERS.label[::4], cv=5).mean() for part in attacked]
        accuracy[name], auc[name] = np.mean(scores), verification_auc(z, OTHERS.identity)
    assert accuracy["components"] > 0.9
    assert accuracy["matched"] < 0.7
    assert auc["matched"] > 0.95


def test_equal_seeds_give_equal_encoders():
    fast = FAST | {"steps": 5}
    first, again, other = (fit_matching(*TRAIN[:3], **fast, seed=seed).direct for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    state = torch.random.get_rng_state()
    fit_matching(*TRAIN[:3], **FAST | {"steps": 1})
    assert torch.equal(state, torch.random.get_rng_state())


def test_rows_of_unknown_class_decide_on_the_components_alone():
    label = np.where(TRAIN.identity < 20, -1, TRAIN.label)
    side = np.where(TRAIN.identity % 3 == 0, 50, -50)
    far = TRAIN.embedding + np.where(label < 0, side, 0)[:, None] * np.eye(16)[3]
    fitted = fit_matching(far, label, TRAIN.identity, **FAST | {"steps": 2})
    assert abs(fitted.axes[3, :2]).max() > 0.9
    known = fit_matching(far[80:], label[80:], TRAIN.identity[80:], **FAST | {"steps": 2})
    assert abs(known.axes[3, :2]).max() < 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": 0.0}, "weight must be a positive number, not 0.0"),
        ({"weight": "much"}, "weight must be a positive number, not 'much'"),
        ({"dimensions": 1}, "dimensions must be a whole number of at least 2, not 1"),
        ({"hidden": 2.5}, "hidden must be a whole number of at least 1, not 2.5"),
        ({"dimensions": 17}, "17 dimensions of 16 components; take fewer"),
        (
            {"label": np.where(TRAIN.identity < 3, TRAIN.label, 0)},
            r"16 samples of each class, .* fewer of class 1 \(4\)",
        ),
        ({"subjects": np.full(400, -1)}, "16 subjects with two samples or more, and there are 0; give the"),
        ({"weight": 1e39}, "the loss of matching or its gradient is not finite at step 0; take a smaller"),
        ({"weight": 1e25}, "the loss of matching or its gradient is not finite at step 0; take a smaller"),
        ({"x": np.ones((400, 16))}, "the embeddings are all alike"),
        ({"x": np.where(TRAIN.identity[:, None] == 5, np.nan, TRAIN.embedding)}, "not finite"),
    ],
)
def test_what_cannot_be_matched_is_refused(change, message):
    arguments = {"x": TRAIN.embedding, "label": TRAIN.label, "subjects": TRAIN.identity}
    with pytest.raises(ValueError, match=message):
        fit_matching(**arguments | FAST | {"steps": 3} | change)


@pytest.mark.parametrize("name", ["hidden", "out", "out_bias", "axes"])
def test_arrays_that_do_not_fit_are_refused(name):
    fitted = fit_matching(*TRAIN[:3], **FAST | {"steps": 1})
    with pytest.raises(ValueError, match=f"the encoder's {name} do not fit"):
        Matching(**vars(fitted) | {name: getattr(fitted, name)[:-1]})


@pytest.fixture
def chosen(monkeypatch):
    """The rule alone, on encoders that keep all, drop the feature that leaks, or keep next to nothing."""
    kept = {1.0: np.arange(16), 300.0: np.arange(1, 16), 1e9: np.arange(15, 16)}
    asked = []

    def fit(x, label, subjects, *, dimensions, weight, **options):
        asked.append((dimensions, weight, options))
        return lambda e: unit_rows(e[:, kept[weight]])

    monkeypatch.setattr(matching_choice, "fit_matching", fit)
    chosen = choose_matching(TRAIN, OTHERS, 0.05, dimensions=[8], weights=[1, 300, 1e9], hidden=64, steps=9)
    fixed = {"components": 128, "hidden": 64, "steps": 9, "seed": 0}
    assert asked == [(8, weight, fixed) for weight in (1, 300, 1e9)]
    return chosen


def test_the_least_readable_within_the_bound_is_chosen(chosen):
    table = chosen.candidates.set_index("weight")
    assert chosen.settings == "8 dimensions, weight 300"
    assert chosen.candidates["weight"][0] == 300
    assert table.loc[1, "leakage"] > table.loc[300, "leakage"] + 0.2
    assert table.loc[1e9, "left_out"].startswith("its verification loss is 0.")
    assert np.isnan(table.loc[1e9, "leakage"])
    assert (table.loc[[1, 300], "auc_loss"] <= 0.05).all()
    assert (table.loc[[1, 300], "left_out"] == "").all()
    low, high = chosen.loss_interval
    assert low < chosen.loss < high
    u = unit_rows(OTHERS.embedding)
    before, after = (verification_auc(x, OTHERS.identity) for x in (u, u[:, 1:]))
    assert chosen.loss == pytest.approx(before - after)
    np.testing.assert_allclose(chosen.eraser(u), unit_rows(u[:, 1:]))


def test_many_classes_keep_samples_of_each():
    label = np.repeat(np.arange(60), 16)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(960, 4)) + rng.normal(size=(60, 4))[label]
    rows = labelled_rows(x, label, np.arange(960) // 2)
    _, mixed = _draw_mixtures(_prepare(x, rows), rng)
    assert np.bincount(mixed).tolist() == [16] * 60
    fitted = fit_matching(x, label, np.arange(960) // 2, dimensions=3, hidden=4, steps=2)
    assert np.isfinite(fitted(x)).all()


def test_a_candidate_that_cannot_be_trained_is_left_out():
    options = {"weights": [10, 1e39], "hidden": 8, "steps": 2}
    found = choose_matching(TRAIN, OTHERS, 1, dimensions=[8, 17], **options)
    table = found.candidates.set_index(["dimensions", "weight"])["left_out"]
    assert table[8, 10] == ""
    assert "is not finite at step 0" in table[8, 1e39]
    assert table[17, 10] == "17 dimensions of 16 components; take fewer dimensions"
    assert found.settings == "8 dimensions, weight 10"


def test_mistakes_are_found_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr(matching_choice, "fit_matching", lambda *x, **y: pytest.fail("trained"))
    one_class = OTHERS._replace(label=np.zeros_like(OTHERS.label))
    for validation, options, message in (
        (OTHERS, {"weights": [10, 0]}, "weight must be a positive number, not 0"),
        (OTHERS, {"weights": []}, "need a candidate each"),
        (one_class, {"weights": [10]}, "half of the validation subjects are of one class"),
    ):
        with pytest.raises(ValueError, match=message):
            choose_matching(TRAIN, validation, 1, **options)


def test_no_weight_within_the_bound_says_the_losses():
    with pytest.raises(ValueError, match=r"at most -1: weight 2 of 4: its verification loss is \S+"):
        choose_matching(TRAIN, OTHERS, -1, dimensions=[4], weights=[2], hidden=8, steps=2)
    with pytest.raises(ValueError, match="100 subjects are among the training and the validation"):
        choose_matching(TRAIN, people(100, 1), 1, weights=[2], hidden=8, steps=2)
