"""Baseline and Attractiveness: their losses, their steps against plain torch, what moves, unknown labels."""

import copy
import math
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from lightning_modules.attractiveness import Attractiveness
from lightning_modules.baseline import Baseline
from lightning_modules.layers.numerics import masked_mean
from lightning_modules.training.attribute_classifier import AttributeClassifier


def make(method: type[AttributeClassifier], toy: dict[str, Any], **options: Any) -> AttributeClassifier:
    torch.manual_seed(0)
    task = {"task": "emotion"} if method is Baseline else {}
    return method(**toy, **{"hidden": 8, "trainable": "last_stage", **task, **options})


METHODS = pytest.mark.parametrize("method", [Baseline, Attractiveness])


def test_losses_in_closed_form(toy):
    baseline, attractiveness = make(Baseline, toy), make(Attractiveness, toy)
    logits = torch.tensor([[0.0, 0.0, 0.0], [math.log(2), 0.0, 0.0]])
    expected = torch.tensor([math.log(3), math.log(2)])
    torch.testing.assert_close(baseline.losses(logits, torch.tensor([1, 0])), expected)
    logits = torch.tensor([[0.0], [math.log(3)], [math.log(3)]])
    expected = torch.tensor([math.log(2), math.log(4 / 3), math.log(4)])
    torch.testing.assert_close(attractiveness.losses(logits, torch.tensor([1, 1, 0])), expected)


def test_predictions_and_scores(toy):
    prediction, score = make(Baseline, toy).predict(torch.tensor([[0.0, math.log(2), 0.0]]))
    assert prediction.tolist() == [1]
    torch.testing.assert_close(score, torch.tensor([[0.25, 0.5, 0.25]]))
    prediction, score = make(Attractiveness, toy).predict(torch.tensor([[-1.0], [0.0], [math.log(3)]]))
    assert prediction.tolist() == [0, 0, 1]
    torch.testing.assert_close(score[1:], torch.tensor([0.5, 0.75]))


def test_the_mean_is_over_known_targets_only():
    losses = torch.tensor([1.0, 100.0, 3.0])
    assert masked_mean(losses, torch.tensor([0, -1, 2])) == 2
    assert masked_mean(losses, torch.tensor([-1, -1, -1])) == 0


def plain_step(module: AttributeClassifier, batch: dict[str, Tensor]) -> None:
    """One training step with Adam in plain torch, on the module's tensors."""
    network: Any = module.backbone.network
    image = functional.interpolate(batch["image"].float() / 255, (32, 32), mode="bilinear", antialias=True)
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    network.eval()
    with torch.no_grad():
        x = network.maxpool(network.act1(network.bn1(network.conv1((image - mean) / std))))
        x = network.layer3(network.layer2(network.layer1(x)))
    x = network.layer4.train()(x).mean((2, 3))
    dense, output = module.head.dense, module.head.output
    logits = (x @ dense.weight.T + dense.bias).clamp(min=0) @ output.weight.T + output.bias
    target = batch[module.task]
    known = target >= 0
    logits, target = logits[known], target[known]
    if isinstance(module, Attractiveness):
        sign = 2 * target - 1
        loss = (1 + (-sign * logits[:, 0]).exp()).log().mean()
    else:
        loss = (logits.exp().sum(1).log() - logits[torch.arange(len(target)), target]).mean()
    parameters = [*network.layer4.parameters(), *dense.parameters(), *output.parameters()]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        # Adam's first step: both moments are bias-corrected to the gradient and its square.
        parameter.data -= 1e-3 * gradient / (gradient.abs() + 1e-8)


@METHODS
def test_a_training_step_is_that_of_plain_torch(method, toy, batch, fit):
    module = make(method, toy)
    twin = copy.deepcopy(module)
    before = copy.deepcopy(module.state_dict())
    plain_step(twin, batch)
    fit(module, batch)
    for name, tensor in twin.state_dict().items():
        # where a gradient is of the size of Adam's 1e-8 its rounding shows, hence a twentieth of a step
        torch.testing.assert_close(module.state_dict()[name], tensor, rtol=1e-5, atol=5e-5, msg=name)
    moved = {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {n for n in before if n.startswith(("backbone.network.layer4", "head."))}


@METHODS
@pytest.mark.parametrize("trainable", ["none", "all"])
def test_a_step_moves_the_head_and_the_chosen_part(method, trainable, toy, batch, fit):
    module = make(method, toy, trainable=trainable)
    before = copy.deepcopy(module.state_dict())
    fit(module, batch)
    moved = {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {n for n in before if trainable == "all" or n.startswith("head.")}


@METHODS
def test_unknown_targets_change_nothing(method, toy, batch):
    module = make(method, toy).eval()
    known = batch[module.task] >= 0
    assert not known.all()
    loss = module.training_step(batch, 0)
    subset = module.training_step({name: tensor[known] for name, tensor in batch.items()}, 0)
    torch.testing.assert_close(loss, subset)


@METHODS
def test_a_batch_without_a_known_target_has_no_loss(method, toy, batch):
    module = make(method, toy)
    loss = module.training_step({**batch, module.task: torch.full((12,), -1)}, 0)
    assert loss == 0
    loss.backward()
    assert all((p.grad == 0).all() for p in module.trainable_parameters())


def evaluate(
    module: AttributeClassifier, batches: list[dict[str, Tensor]], tmp_path: Any
) -> dict[str, float]:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = Trainer(default_root_dir=tmp_path, accelerator="cpu", enable_model_summary=False, **quiet)
    return dict(trainer.validate(module, DataLoader(batches, batch_size=None), verbose=False)[0])


@METHODS
def test_evaluation_averages_over_samples_not_batches(method, toy, batch, tmp_path):
    module = make(method, toy)
    parts = [{n: t[part] for n, t in batch.items()} for part in (slice(0, 5), slice(5, 6), slice(6, 12))]
    logged = evaluate(module, parts, tmp_path)
    module.eval()
    target = batch[module.task]
    known = target >= 0
    with torch.no_grad():
        logits = module(batch["image"])[known]
    prediction, _ = module.predict(logits)
    assert logged["val/accuracy"] == pytest.approx((prediction == target[known]).float().mean().item())
    assert logged["val/loss"] == pytest.approx(module.losses(logits, target[known]).mean().item())


def test_evaluation_without_a_known_target_is_nan(toy, batch, tmp_path):
    module = make(Baseline, toy)
    logged = evaluate(module, [{**batch, "emotion": torch.full((12,), -1)}], tmp_path)
    assert math.isnan(logged["val/accuracy"])
    assert math.isnan(logged["val/loss"])


def test_a_loss_that_is_nan_in_one_sample_is_seen(toy, batch, tmp_path, monkeypatch):
    module = make(Baseline, toy)
    monkeypatch.setattr(module, "losses", lambda logits, target: torch.tensor([1.0] * 11 + [math.nan]))
    assert math.isnan(evaluate(module, [batch], tmp_path)["val/loss"])


@METHODS
def test_what_callbacks_read(method, toy, batch):
    module = make(method, toy).eval()
    for step in (module.validation_step, module.test_step):
        output = step(batch, 0)
        assert output["prediction"].shape == (12,)
        assert output["prediction"].dtype == torch.int64
        assert torch.equal(output["target"], batch[module.task])
        assert output["score"].shape == ((12, 3) if method is Baseline else (12,))
        if method is Attractiveness:
            assert torch.equal(output["sensitive"], batch["smiling"])


@METHODS
def test_embeddings_are_single_precision_whatever_the_training(method, toy, batch):
    module = make(method, toy).eval()
    expected = module.embed(batch["image"])
    assert expected.shape == (12, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        embedding = module.embed(batch["image"])
        assert embedding.dtype == module(batch["image"]).dtype == torch.float32
    assert not torch.equal(embedding, expected)
    torch.testing.assert_close(embedding, expected, rtol=0.05, atol=0.05)


@METHODS
def test_it_learns_a_batch_by_heart(method, toy, fit):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(8) % 2
    image = torch.rand(8, 3, 32, 32, generator=generator) * 0.3 + 0.5 * labels[:, None, None, None]
    batch = {"image": image, "emotion": labels, "attractive": labels, "smiling": labels}
    module = make(method, toy, hidden=32, trainable="all")
    fit(module, batch, steps=40)
    module.eval()
    assert torch.equal(module.predict(module(image))[0], labels)


def test_the_schedule_follows_the_optimizer(toy):
    module = make(
        Baseline,
        toy,
        optimizer=lambda p: torch.optim.SGD(p, lr=0.5),
        scheduler=lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=1),
    )
    configured: Any = module.configure_optimizers()
    assert configured["optimizer"].defaults["lr"] == 0.5
    assert configured["lr_scheduler"]["scheduler"].optimizer is configured["optimizer"]
    adam: Any = make(Baseline, toy).configure_optimizers()
    assert (adam.defaults["lr"], adam.defaults["betas"]) == (1e-3, (0.9, 0.999))


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (Baseline, {"task": "age"}, "task: the data have no attribute 'age'; they have emotion, smiling"),
        (Attractiveness, {"sensitive": "age"}, "sensitive: the data have no attribute 'age'"),
        (Attractiveness, {"task": "emotion"}, "task: 'emotion' has 3 classes, not two; use Baseline"),
    ],
)
def test_attributes_that_do_not_fit_are_refused(method, options, message, toy):
    with pytest.raises(ValueError, match=message):
        make(method, toy, **options)
