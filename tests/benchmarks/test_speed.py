"""The speed benchmarks of the training methods run at small sizes, and what they compare is equal."""

import pytest
import torch

from benchmarks import colored_mnist_speed, frozen_prefix_speed, sensitivenets_speed, training_loop_speed
from benchmarks.official_lntl import Official, as_official, official_step
from benchmarks.timing import faster
from benchmarks.without_lightning import step_of

TINY_RESNET = {"channels": [8, 8, 16, 16], "stem_width": 8, "input_size": 32, "zero_init_last": False}


def test_a_ratio_is_the_median_over_rounds():
    found = faster({"a": [4.0, 30.0, 6.0], "b": [1.0, 3.0, 2.0]}, "a", "b")
    assert found == {"ratio": 4.0, "range": [3.0, 10.0], "ms": [6.0, 2.0]}


def test_a_prefix_that_is_evaluated_once_gives_the_same_weights(monkeypatch):
    batch = frozen_prefix_speed.make_batch(6, 32)
    found = frozen_prefix_speed.compare(batch, 2, "resnet10t", **TINY_RESNET)
    assert found["largest_difference"] == 0
    assert set(frozen_prefix_speed.GOALS) <= set(found)

    def other(module, *, once=True):
        if not once:
            module.lambda_ = 1.0  # another training
        return step_of(module, once=once)

    monkeypatch.setattr(frozen_prefix_speed, "step_of", other)
    with pytest.raises(AssertionError, match="differs"):
        frozen_prefix_speed.compare(batch, 1, "resnet10t", **TINY_RESNET)


@pytest.fixture
def few_digits(monkeypatch) -> list[dict[str, torch.Tensor]]:
    """Small batches, and rounds of two."""
    monkeypatch.setattr(colored_mnist_speed, "PER_ROUND", 2)
    monkeypatch.setattr(colored_mnist_speed, "BATCH", 8)
    data = colored_mnist_speed.make_digits(24)
    return [data.read(torch.arange(8) + 8 * k) for k in range(3)]


@pytest.mark.parametrize("set_to_none", [False, True])
def test_lntls_step_is_the_authors(set_to_none, few_digits):
    worst = colored_mnist_speed.largest_difference(few_digits, set_to_none=set_to_none)
    assert worst <= colored_mnist_speed.TOLERANCE
    module = colored_mnist_speed.make_module().double()
    official = Official(module)
    assert all(torch.equal(x, as_official(module)[name]) for name, x in official.state_dict().items())
    step = official_step(official, set_to_none=set_to_none)
    step(colored_mnist_speed.prepared(few_digits[0], module))
    moved = [not torch.equal(x, as_official(module)[name]) for name, x in official.state_dict().items()]
    assert all(moved), "every parameter and buffer is compared after it has changed"


def test_the_two_meanings_of_zero_grad_are_told_apart(few_digits, monkeypatch):
    monkeypatch.setattr(
        colored_mnist_speed, "official_step", lambda official, set_to_none: official_step(official)
    )
    with pytest.raises(AssertionError, match="the sides differ"):
        colored_mnist_speed.largest_difference(few_digits, set_to_none=True)


def test_operations_are_counted_without_views():
    x = torch.ones(4)
    assert colored_mnist_speed.operations(lambda y: (y.view(2, 2).t() + 1).mul_(2), x) == 2


@pytest.mark.slow
def test_lntls_step_takes_fewer_operations(few_digits):
    found = colored_mnist_speed.steps(few_digits, 1)
    assert found["operations"]["none"][1] <= colored_mnist_speed.GOALS["operations"]
    assert all(ours < official for official, ours in found["operations"].values())


def test_painted_batches_are_those_of_the_authors_loader(few_digits, monkeypatch):
    data = colored_mnist_speed.make_digits(24)
    assert set(colored_mnist_speed.reading(data, 1)) == {"reading", "reading_prepared"}
    monkeypatch.setattr(colored_mnist_speed, "NORMALIZE", lambda image: image.mul(torch.rand(())))
    with pytest.raises(AssertionError, match="images differ"):
        colored_mnist_speed.reading(data, 1)


def test_sensitivenets_losses_are_alike_in_bf16():
    batch = sensitivenets_speed.make_batch(96, 128)
    for mining in ("random", "semihard"):
        found = sensitivenets_speed.compare(mining, batch, 1, dimension=128, width=64)
        assert 0 < found["largest_gap_of_a_loss"] <= sensitivenets_speed.TOLERANCE
        assert found["least_cosine"] < 1, "the sides do differ in precision"


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_lightning_and_the_plain_loop_end_with_the_same_weights(monkeypatch):
    size = training_loop_speed.Size(batch=4, features=6, width=5, batches=3)
    assert len(training_loop_speed.compare(size, 1)) == 3
    step = training_loop_speed.Loop.backward_and_step
    monkeypatch.setattr(
        training_loop_speed.Loop, "backward_and_step",
        lambda self, loss, optimizers, last: step(self, 2 * loss + loss**2, optimizers, last=last),
    )  # fmt: skip
    with pytest.raises(AssertionError, match="ours differs"):
        training_loop_speed.compare(size, 1)
