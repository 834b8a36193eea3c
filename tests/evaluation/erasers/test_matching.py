"""Class matching: losses against plain forms, the encoder against torch's, what it hides and keeps."""

import numpy as np
import pytest
import torch
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC
from torch import nn

from evaluation.erasers import matching_choice
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


def test_pairs_are_of_a_subject_and_mixtures_of_a_class():
    training = _prepare(TRAIN.embedding, labelled_rows(*TRAIN[:3]))
    rng = np.random.default_rng(0)
    pairs = _draw_pairs(training, rng).numpy().reshape(-1, 2)
    assert len(pairs) == 100, "there are no more"
    assert (TRAIN.identity[pairs[:, 0]] == TRAIN.identity[pairs[:, 1]]).all()
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert len(np.unique(TRAIN.identity[pairs[:, 0]])) == 100
    mixed, label = _draw_mixtures(training, rng)
    assert np.bincount(label).tolist() == [200, 200]
    assert mixed[label == 0, 0].abs().max() < 2
    assert mixed[label == 1, 0].abs().median() > 2


def test_the_spread_is_the_covariance_within_subjects():
    training = _prepare(TRAIN.embedding, labelled_rows(*TRAIN[:3]))
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
    for name, steps in (("components", 1), ("matched", 600)):
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
        ({"weight": 0.0}, "weight must be positive, not 0.0"),
        (
            {"label": np.where(TRAIN.identity < 3, TRAIN.label, 0)},
            r"samples of each class, .* class 1 \(4\)",
        ),
        ({"subjects": np.full(400, -1)}, "16 subjects with two samples or more, and there are 0; give the"),
        ({"weight": 1e39}, "the loss of matching is not finite at step 0; take a smaller weight"),
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


def test_no_weight_within_the_bound_says_the_losses():
    with pytest.raises(ValueError, match=r"at most -1: weight 2 of 4: its verification loss is \S+"):
        choose_matching(TRAIN, OTHERS, -1, dimensions=[4], weights=[2], hidden=8, steps=2)
    with pytest.raises(ValueError, match="100 subjects are among the training and the validation"):
        choose_matching(TRAIN, people(100, 1), 1, weights=[2], hidden=8, steps=2)
