"""The joint distribution of the synthetic labels, against closed forms."""

import pytest
import torch

from datamodules.synthetic.label_joint import CLASSES, HAPPY, Correlation, label_joint, pick

AXIS = {"gender": 0, "ethnicity": 1, "attractive": 2, "emotion": 3}
PAIRS = [(a, b) for a in CLASSES for b in CLASSES if a != b and {a, b} != {"emotion", "smiling"}]


def marginal(joint: torch.Tensor, *names: str) -> torch.Tensor:
    """P of one or two attributes, axes in the order named; smiling is read off the emotion."""
    if "smiling" in names:
        smile = joint.select(3, HAPPY)
        joint = torch.stack([joint.sum(3) - smile, smile], 3)
    axes = [AXIS.get(n, 3) for n in names]
    table = joint.sum([a for a in range(4) if a not in axes])
    return table if axes == sorted(axes) else table.T


def test_without_correlations_all_is_uniform_and_independent():
    assert torch.allclose(label_joint([], "train"), torch.full((2, 3, 2, 6), 1 / 72).double())


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_second_follows_first_as_often_as_asked(first, second, share):
    joint = label_joint([Correlation(first, second, share, 0.5, 0.5)], "train")
    k, m = len(CLASSES[first]), len(CLASSES[second])
    expected = torch.full((k, m), (1 - share) / (m - 1) / k).double()
    expected[torch.arange(k), torch.arange(k) % m] = share / k
    assert torch.allclose(marginal(joint, first, second), expected)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_what_a_correlation_does_not_name_stays_independent(first, second):
    joint = label_joint([Correlation(first, second, 0.9, 0.9, 0.9)], "val")
    image = {"emotion", "smiling"} & {first, second}
    for other in set(AXIS) - {first, second} - ({"emotion"} if image else set()):
        for name in (first, second):
            independent = marginal(joint, other)[:, None] * marginal(joint, name)
            assert torch.allclose(marginal(joint, other, name), independent)


def test_each_split_has_its_own_share():
    rule = Correlation("gender", "attractive", 0.9, 0.7, 0.5)
    shares = [
        marginal(label_joint([rule], s), "gender", "attractive").trace() for s in ("train", "val", "test")
    ]
    assert torch.allclose(torch.stack(shares), torch.tensor([0.9, 0.7, 0.5]).double())


def test_correlations_make_chains():
    rules = [
        Correlation("gender", "attractive", 0.9, 0.5, 0.5),
        Correlation("attractive", "smiling", 0.8, 0.5, 0.5),
    ]
    joint = label_joint(rules[::-1], "train")
    assert marginal(joint, "gender", "attractive").trace() == pytest.approx(0.9)
    assert marginal(joint, "attractive", "smiling").trace() == pytest.approx(0.8)
    assert marginal(joint, "gender", "smiling").trace() == pytest.approx(0.9 * 0.8 + 0.1 * 0.2)


def test_a_named_smile_is_even_and_other_emotions_share_the_rest():
    joint = label_joint([Correlation("gender", "smiling", 0.5, 0.5, 0.5)], "train")
    assert torch.allclose(marginal(joint, "emotion"), torch.tensor([0.1, 0.5, 0.1, 0.1, 0.1, 0.1]).double())


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([("gender", "smiling"), ("attractive", "smiling")], "draw 'smiling'"),
        ([("gender", "ethnicity"), ("ethnicity", "attractive"), ("attractive", "gender")], "circle"),
        ([("gender", "attractive"), ("attractive", "gender")], "circle"),
        ([("gender", "smiling"), ("ethnicity", "emotion")], "smiling is the emotion happy"),
        ([("emotion", "smiling")], "smiling is the emotion happy"),
    ],
)
def test_correlations_that_contradict_one_another_are_refused(rules, message):
    with pytest.raises(ValueError, match=message):
        label_joint([Correlation(a, b, 0.5, 0.5, 0.5) for a, b in rules], "train")


@pytest.mark.parametrize(
    ("first", "second", "share", "message"),
    [
        ("gender", "age", 0.5, "'age'; the attributes are gender"),
        ("identity", "gender", 0.5, "'identity'"),
        ("gender", "gender", 0.5, "twice"),
        ("gender", "emotion", 1.1, "test share of gender and emotion"),
        ("gender", "emotion", -0.1, "between 0 and 1"),
        ("gender", "emotion", float("nan"), "between 0 and 1"),
    ],
)
def test_a_correlation_that_cannot_be_is_refused(first, second, share, message):
    with pytest.raises(ValueError, match=message):
        Correlation(first, second, 0.5, 0.5, share)


def test_pick_inverts_the_distribution_function():
    odds = torch.tensor([0.25, 0.0, 0.75]).double()
    quantile = torch.tensor([0.0, 0.2499, 0.25, 0.9999999]).double()
    assert pick(odds, quantile).tolist() == [0, 0, 2, 2]
    assert pick(torch.tensor([[1.0, 0.0], [0.0, 1.0]]).double(), quantile[:2]).tolist() == [0, 1]
