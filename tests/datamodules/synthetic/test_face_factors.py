"""People, expressions and circumstances as numbers."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from datamodules.loading.counter_rng import normal, uniform
from datamodules.synthetic.face_factors import compose, draw_identities, draw_shots
from datamodules.synthetic.face_traits import ACTION_UNITS, EMOTION_UNITS, NUISANCES, TRAITS
from datamodules.synthetic.label_joint import EMOTIONS

PEOPLE = torch.arange(6000)
ATTRACTIVE = PEOPLE % 2
Z = draw_identities(5, PEOPLE, ATTRACTIVE)


def shots(people: torch.Tensor, emotion: int, image: int = 0) -> dict[str, torch.Tensor]:
    same = torch.zeros_like(people)
    return draw_shots(5, same, people, same + image, same + emotion)


def test_numbers_depend_on_their_counters_alone():
    a, b = torch.arange(1000)[:, None], torch.arange(7)
    table = normal(3, 1, a, b)
    assert torch.equal(table[500:501, 2:5], normal(3, 1, a[500:501], b[2:5]))
    assert not torch.equal(table, normal(4, 1, a, b))
    assert not torch.equal(table, normal(3, 2, a, b))
    assert not torch.equal(table[:7], normal(3, 1, b[:, None], a[:7, 0]).T), "the order of counters matters"


def test_random_numbers_have_their_distributions():
    n = 200_000
    u, x = uniform(0, 0, torch.arange(n)), normal(0, 0, torch.arange(n))
    assert torch.allclose(u.histc(20, 0, 1) / n, torch.tensor(0.05).double(), atol=0.003)
    assert abs(x.mean()) < 0.01
    assert abs(x.std() - 1) < 0.01
    neighbours = torch.corrcoef(torch.stack([x[:-1], x[1:]]))[0, 1]
    assert abs(neighbours) < 0.01


def test_traits_stay_standard_normal_and_uncorrelated():
    assert Z.mean(0).abs().max() < 0.06
    assert (Z.std(0) - 1).abs().max() < 0.05
    assert (torch.cov(Z.T) - torch.eye(Z.shape[1])).abs().max() < 0.08


def test_attractive_is_readable_from_the_traits_but_noisily():
    half = len(PEOPLE) // 2
    reader = LogisticRegression(max_iter=500).fit(Z[:half], ATTRACTIVE[:half])
    assert reader.score(Z[half:], ATTRACTIVE[half:]) == pytest.approx(0.85, abs=0.025)


def test_people_stay_the_same_whatever_is_asked_of_the_judge():
    other = draw_identities(5, PEOPLE, 1 - ATTRACTIVE)
    kept = torch.tensor([t.attractive == 0 for t in TRAITS.values()])
    assert torch.equal(Z[:, kept], other[:, kept])
    assert torch.allclose(Z.norm(dim=1), other.norm(dim=1), atol=1e-4)


def test_gender_is_in_many_traits_and_never_in_one_alone():
    shifts = torch.tensor([t.male for t in TRAITS.values()])
    alone = torch.special.ndtr(shifts.abs().max().double())
    together = torch.special.ndtr(shifts.norm().double())
    assert alone < 0.90, "accuracy of the best threshold on one trait"
    assert together > 0.99, "accuracy of the best reader of all"


def test_groups_overlap_and_shift_nothing_on_average():
    groups = torch.tensor([t.groups for t in TRAITS.values()])
    assert torch.allclose(groups.sum(1), torch.zeros(len(groups)), atol=0.11)
    assert groups.abs().max() <= 1.3


def test_each_emotion_uses_its_action_units_alone():
    people = torch.arange(50)
    for label, emotion in enumerate(EMOTIONS):
        shot = shots(people, label)
        used = {unit for unit in ACTION_UNITS if (shot[unit] != 0).any()}
        assert used == set(EMOTION_UNITS[emotion])
        assert all((shot[unit] >= 0.5).all() and (shot[unit] <= 1.5).all() for unit in used)


def test_how_strongly_a_person_expresses_is_theirs():
    people = torch.arange(300)
    first, second = (shots(people, 1, image)["AU12"] for image in (0, 1))
    assert not torch.equal(first, second), "images differ a little"
    assert torch.corrcoef(torch.stack([first, second]))[0, 1] > 0.6, "people differ more"


def test_splits_and_images_are_taken_in_different_circumstances():
    people = torch.arange(10)
    zero = torch.zeros_like(people)
    base = draw_shots(5, zero, people, zero, zero)
    for changed in (draw_shots(5, zero + 1, people, zero, zero), draw_shots(5, zero, people, zero + 1, zero)):
        assert all((base[name] != changed[name]).any() for name in NUISANCES)


def test_a_neutral_face_is_the_traits_moved_by_the_labels():
    people = torch.arange(8)
    shot = shots(people, 0)
    female, male = (compose(Z[:8], torch.full((8,), g), people % 3, shot) for g in (0, 1))
    for name in ("chin", "eye_gap", "mouth_y"):
        expected = 2 * TRAITS[name].male * TRAITS[name].spread
        assert torch.allclose(male[name] - female[name], torch.tensor(expected), atol=1e-5)
    assert all(torch.isfinite(v).all() and v.dtype == torch.float32 for v in female.values())
