"""The recogniser: both margins in closed form, what moves, the schedule, that it learns."""

import copy
import math
from typing import Any

import pytest
import torch
from torch.nn import functional

from lightning_modules.face_recognition import FaceRecognition, warmup_cosine


def make(toy: dict[str, Any], **options: Any) -> FaceRecognition:
    torch.manual_seed(0)
    return FaceRecognition(**toy, **options)


@pytest.mark.parametrize(("margin", "used"), [(None, 0.5), (0.3, 0.3)])
def test_arcface_adds_its_margin_in_radians_to_the_angle(toy, margin, used):
    module = make(toy, loss="arcface", margin=margin, scale=10.0)
    module.loss.W.data = torch.eye(16)[:, :4]
    angle = torch.tensor(0.7)
    embedding = 5 * (angle.cos() * torch.eye(16)[0] + angle.sin() * torch.eye(16)[9])[None]
    logits = 10 * torch.stack([(angle + used).cos(), *torch.zeros(3)])
    expected = functional.cross_entropy(logits[None], torch.tensor([0]))
    torch.testing.assert_close(module.margin_loss(embedding, torch.tensor([0])), expected)


@pytest.mark.parametrize(("margin", "used"), [(None, 0.35), (0.2, 0.2)])
def test_cosface_subtracts_its_margin_from_the_cosine(toy, margin, used):
    module = make(toy, margin=margin, scale=10.0)
    module.loss.W.data = torch.eye(16)[:, :4] * 3
    embedding = torch.eye(16)[[1]] * 7 + torch.eye(16)[[9]] * 24  # cosine 7 / 25
    logits = torch.tensor([0.0, 10 * (7 / 25 - used), 0.0, 0.0])
    expected = functional.cross_entropy(logits[None], torch.tensor([1]))
    torch.testing.assert_close(module.margin_loss(embedding, torch.tensor([1])), expected)


def test_unknown_identities_change_nothing(toy, batch):
    module = make(toy).eval()
    known = batch["identity"] >= 0
    loss = module.training_step(batch, 0)
    torch.testing.assert_close(loss, module.training_step({n: t[known] for n, t in batch.items()}, 0))
    loss = module.training_step({**batch, "identity": torch.full((12,), -1)}, 0)
    assert loss == 0
    loss.backward()
    assert all((p.grad == 0).all() for p in module.trainable_parameters())


def test_a_step_moves_the_backbone_and_the_class_centres(toy, batch, fit):
    module = make(toy)
    before = copy.deepcopy(module.state_dict())
    fit(module, batch)
    assert {n for n, t in module.state_dict().items() if not torch.equal(t, before[n])} == set(before)
    assert "loss.W" in before


def test_a_step_is_that_of_plain_torch(toy, batch, fit):
    module = make(toy, scale=8.0, optimizer=lambda p: torch.optim.SGD(p, lr=1.0))
    twin = copy.deepcopy(module).train()
    known = batch["identity"] >= 0
    features = functional.normalize(twin.backbone(batch["image"]))[known]
    cosine = features @ functional.normalize(twin.loss.W, dim=0)
    target = functional.one_hot(batch["identity"][known], 4)
    functional.cross_entropy(8 * (cosine - 0.35 * target), batch["identity"][known]).backward()
    rate = 1 / 1.1  # the schedule of a training of one step
    fit(module, batch, steps=1)
    for (name, ours), theirs in zip(module.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs - rate * theirs.grad, msg=name, rtol=1e-4, atol=1e-6)


def test_the_loss_is_single_precision_whatever_the_training(toy, batch):
    module = make(toy).eval()
    embedding = module.embed(batch["image"])
    expected = module.margin_loss(embedding, batch["identity"])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(module.margin_loss(embedding, batch["identity"]), expected)
    assert module.loss.W.dtype == torch.float32


def test_the_learning_rate_rises_and_falls_to_zero(toy, batch, fit):
    rates = []

    class Watched(FaceRecognition):
        def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
            rates.append(self.trainer.optimizers[0].param_groups[0]["lr"])

    torch.manual_seed(0)
    fit(Watched(**toy, warmup=0.25), batch, steps=16)
    fall = [0.5 * (1 + math.cos(math.pi * step / 12)) for step in range(12)]
    assert rates == pytest.approx([1e-3 * f for f in [0.2, 0.4, 0.6, 0.8, *fall]])


@pytest.mark.parametrize("total", [1, 2, 10, 100])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5, 0.99])
def test_a_schedule_of_any_length_ends_at_nothing(total, warmup):
    factors = [warmup_cosine(step, total=total, warmup=warmup) for step in range(total + 1)]
    assert all(0 < factor <= 1 for factor in factors[:-1])
    assert factors[-1] == pytest.approx(0)


def test_what_callbacks_read(toy, batch):
    module = make(toy).eval()
    for step in (module.validation_step, module.test_step):
        output = step(batch, 0)
        assert torch.equal(output["embedding"], module.embed(batch["image"]))
        assert torch.equal(output["identity"], batch["identity"])


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["cosface", "arcface"])
def test_it_learns_to_tell_four_people_apart(toy, fit, loss):
    generator = torch.Generator().manual_seed(0)
    identity = torch.arange(16) % 4
    people = torch.rand(4, 3, 32, 32, generator=generator)
    image = (people[identity] + 0.2 * torch.rand(16, 3, 32, 32, generator=generator)) / 1.2
    module = make(toy, loss=loss, scale=16.0, optimizer=lambda p: torch.optim.Adam(p, lr=1e-2))
    fit(module, {"image": image, "identity": identity}, steps=40)
    embedding = functional.normalize(module.eval().embed(image))
    cosine, same = embedding @ embedding.T, identity[:, None] == identity
    assert cosine[same].min() > cosine[~same].max()


def test_errors_say_what_to_do(toy):
    with pytest.raises(ValueError, match="task: the data have no attribute 'person'"):
        make(toy, task="person")
    with pytest.raises(ValueError, match="task: 'identity' names 1 identities; two are needed"):
        make({**toy, "attributes": {"identity": ["a"]}})
    with pytest.raises(ValueError, match="warmup is a fraction"):
        make(toy, warmup=1.0)
    module = make(toy)
    module._trainer = type("Endless", (), {"estimated_stepping_batches": math.inf})()
    with pytest.raises(ValueError, match="set max_epochs or max_steps"):
        module.configure_optimizers()
