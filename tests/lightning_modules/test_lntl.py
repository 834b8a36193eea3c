"""LNTL and our variants: each against plain torch, what each loss term moves, unknown labels, resuming."""

import copy
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from lightning_modules.backbones.lntl_network import FEATURE_LAYER, build_lntl_convnet
from lightning_modules.baseline import Baseline
from lightning_modules.layers.bias_heads import bias_cross_entropy
from lightning_modules.layers.gradient_reversal import dann_ramp
from lightning_modules.lntl import LNTL
from lightning_modules.lntl_joint import LNTLJoint
from lightning_modules.lntl_variant import LNTLVariant
from lightning_modules.training import base


def sgd(parameters: Any) -> torch.optim.Optimizer:
    """The authors' optimizer at a rate at which two steps show."""
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4)


def plain_sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.05)


def make(toy: dict[str, Any], method: type[LNTL] = LNTL, **options: Any) -> Any:
    torch.manual_seed(0)
    optimizers = {"optimizer": sgd, "adversary_optimizer": sgd}
    return method(**toy, **{"task": "smiling", "sensitive": "emotion", "hidden": 8, **optimizers, **options})


def same(module: nn.Module, twin: nn.Module, tolerance: float = 1e-12) -> None:
    state = module.state_dict()
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(state[name], value, rtol=tolerance, atol=tolerance, msg=name)


class OfficialPredictor(nn.Module):
    """One of the authors' three colour predictors, with the weights of our fused one."""

    def __init__(self, fused: Any, color: int) -> None:
        super().__init__()
        self.part, self.bins = slice(32 * color, 32 * color + 32), slice(8 * color, 8 * color + 8)
        self.conv1, self.bn = nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 8, 3, padding=1)
        self.double()
        self.load_state_dict(self.of(fused))

    def of(self, fused: Any) -> dict[str, Tensor]:
        """The fused head's values of this colour under the names of this predictor."""
        values = {}
        layers = {
            "conv1": (fused.dense, self.part),
            "bn": (fused.norm, self.part),
            "conv2": (fused.output, self.bins),
        }
        for name, (layer, part) in layers.items():
            values |= {f"{name}.{k}": v[part] if v.ndim else v for k, v in layer.state_dict().items()}
        return {name: value.clone() for name, value in values.items()}

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.conv2(self.bn(self.conv1(features)).relu())
        return logits, logits.softmax(1)


def official_training(module: LNTL, batch: dict[str, Tensor], steps: int) -> list[OfficialPredictor]:
    """`_train_step` of the authors' trainer.py on the weights of `module`, with its four optimizers."""
    net, head, fused = module.backbone, module.head, module.bias_heads["color_map"]
    predictors = [OfficialPredictor(fused, color) for color in range(3)]
    optimizers = [sgd([*net.parameters(), *head.parameters()]), *(sgd(p.parameters()) for p in predictors)]
    colors = batch["color_map"].masked_fill(batch["color_map"] < 0, 255)

    def forward() -> tuple[Tensor, Tensor]:
        n = net.network
        features = n.conv2(n.maxpool(n.conv1(n.bn0(net.preprocess(batch["image"]))).relu())).relu()
        return features, head(n.conv4(n.conv3(features).relu()).relu().mean((2, 3)))

    def zero_grad() -> None:
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=module.set_to_none)

    for _ in range(steps):
        zero_grad()
        features, logits = forward()
        pseudo = [predictor(features)[1] for predictor in predictors]
        confusion = sum((p * p.log()).sum(1).mean() for p in pseudo) / 3
        (functional.cross_entropy(logits, batch["digit"]) + 0.01 * confusion).backward()
        optimizers[0].step()
        zero_grad()
        features, _ = forward()
        features.register_hook(lambda gradient: -0.1 * gradient)
        # the hook acts on the whole gradient of `features`, all of which comes from the predictors
        losses = [
            functional.cross_entropy(predictor(features)[0], colors[:, color], ignore_index=255)
            for color, predictor in enumerate(predictors)
        ]
        sum(losses).backward()
        for optimizer in optimizers:
            optimizer.step()
    return predictors


@pytest.fixture
def digits(monkeypatch) -> dict[str, Any]:
    """Keywords for the authors' network on coloured digits."""

    def build(name: str, *, trainable: Any, **options: Any) -> Any:
        backbone = build_lntl_convnet()
        backbone.set_trainable(trainable)
        return backbone

    monkeypatch.setattr(base, "build_backbone", build)
    return {
        "attributes": {"digit": [str(n) for n in range(10)]}, "task": "digit", "sensitive": "color_map",
        "label_maps": {"color_map": (3, 8)}, "feature_layer": FEATURE_LAYER, "trainable": "all", "hidden": 0,
    }  # fmt: skip


@pytest.fixture
def digit_batch() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return {
        "image": torch.randint(256, (6, 3, 28, 28), generator=generator, dtype=torch.uint8),
        "digit": torch.randint(10, (6,), generator=generator),
        "color_map": torch.randint(-1, 8, (6, 3, 14, 14), generator=generator),
    }


@pytest.mark.parametrize("set_to_none", [False, True])
def test_two_passes_are_the_authors_training(set_to_none, digits, digit_batch, fit):
    module = make({}, **digits, set_to_none=set_to_none).double()
    twin = copy.deepcopy(module)
    before = copy.deepcopy(module.state_dict())
    predictors = official_training(twin, digit_batch, steps=2)
    trainer = fit(module, digit_batch, steps=2)
    same(module.backbone, twin.backbone)
    same(module.head, twin.head)
    for predictor in predictors:
        for name, value in predictor.of(module.bias_heads["color_map"]).items():
            torch.testing.assert_close(predictor.state_dict()[name], value, rtol=1e-12, atol=1e-12)
    assert all(not torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert trainer.global_step == 2


def test_zero_filled_gradients_let_the_task_head_coast(digits, digit_batch, fit):
    modules = [make({}, **digits, set_to_none=value).double() for value in (False, True)]
    for module in modules:
        fit(module, digit_batch)
    assert (modules[0].head.output.weight - modules[1].head.output.weight).abs().max() > 1e-5


def resnet_forward(module: Any, image: Tensor) -> tuple[Tensor, Tensor]:
    """Embedding and task logits of the toy network, whose last stage trains."""
    n = module.backbone.network
    with torch.no_grad():
        x = n.maxpool(n.act1(n.bn1(n.conv1(module.backbone.preprocess(image)))))
        x = n.layer3(n.layer2(n.layer1(x)))
    embedding = n.layer4(x).mean((2, 3))
    return embedding, module.head(embedding)


def known_loss(logits: Tensor, target: Tensor) -> Tensor:
    known = target >= 0
    return -logits.log_softmax(1)[known, target[known]].mean()


def test_one_pass_is_one_step_with_both_gradients(toy, batch, fit):
    module = make(toy, LNTLJoint, lambda_=0.3, reversal=0.7).double()
    twin = copy.deepcopy(module)
    head = twin.bias_heads["emotion"]
    theirs = [*twin.backbone.network.layer4.parameters(), *twin.head.parameters()]
    one, two = sgd(theirs), sgd(head.parameters())
    for _ in range(2):
        embedding, logits = resnet_forward(twin, batch["image"])
        p = head(embedding).softmax(1)
        min_loss = known_loss(logits, batch["smiling"]) + 0.3 * (p * p.log()).sum(1).mean()
        bias = known_loss(head(embedding), batch["emotion"])
        up = torch.autograd.grad(min_loss - 0.7 * bias, theirs, retain_graph=True)
        down = torch.autograd.grad(bias, list(head.parameters()))
        for parameter, gradient in zip([*theirs, *head.parameters()], [*up, *down], strict=True):
            parameter.grad = gradient
        one.step()
        two.step()
    fit(module, batch, steps=2)
    same(module, twin)


def test_pretraining_is_the_baseline_and_the_bias_heads_watch(toy, batch, fit):
    module = make(toy, LNTLVariant, pretrain_epochs=1, lambda_=5.0, reversal=5.0)
    baseline = Baseline(**toy, task="smiling", hidden=8, trainable="last_stage", optimizer=sgd)
    baseline.load_state_dict({k: v for k, v in module.state_dict().items() if not k.startswith("bias_heads")})
    before = copy.deepcopy(module.bias_heads)
    fit(baseline, batch, steps=3)
    fit(module, batch, steps=3)
    same(module, baseline, tolerance=1e-6)  # its embedding is always of 32 bits
    moved = [
        not torch.equal(a, b)
        for a, b in zip(before.parameters(), module.bias_heads.parameters(), strict=True)
    ]
    assert all(moved)


TERMS = {
    "task": ({}, ["task"], {"backbone.network.layer4", "head"}),
    "entropy": ({"lambda_": 1.0}, [], {"backbone.network.layer4"}),
    "bias, reversed": ({"reversal": 1.0}, ["bias"], {"backbone.network.layer4", "bias_heads"}),
    "bias, cut off": ({}, ["bias"], {"bias_heads"}),
    "nothing": ({}, [], set()),
}


@pytest.mark.parametrize("layer", [None, "layer4"])
@pytest.mark.parametrize("method", [LNTL, LNTLVariant, LNTLJoint])
@pytest.mark.parametrize("term", TERMS)
def test_each_loss_term_moves_what_it_should_and_nothing_else(term, method, layer, toy, batch, fit):
    options, known, moves = TERMS[term]
    labels = {"task": "smiling", "bias": "emotion"}
    batch = batch | {name: torch.full((12,), -1) for key, name in labels.items() if key not in known}
    module = make(
        toy, method, feature_layer=layer, optimizer=plain_sgd, adversary_optimizer=plain_sgd,
        **{"lambda_": 0.0, "reversal": 0.0, **options},
    )  # fmt: skip
    before = copy.deepcopy(module.state_dict())
    fit(module, batch)
    state = module.state_dict()
    buffers = {name for name, _ in module.named_buffers()}
    moved = {name for name in state if not torch.equal(state[name], before[name])}
    expected = {n for n in state.keys() - buffers if n.startswith(tuple(moves))}
    rounding = {"bias_heads.emotion.dense.bias"}  # BatchNorm follows: its gradient is 0 but for rounding
    assert moved - buffers - rounding == expected - rounding
    assert moved & rounding <= expected
    # the statistics of what trains see every pass, and those of the frozen part none
    normed = ("backbone.network.layer4", "bias_heads")
    assert moved & buffers == {n for n in buffers if n.startswith(normed)}
    passes = {
        int(state[n]) for n in buffers if n.startswith("backbone.network.layer4") and n.endswith("tracked")
    }
    assert passes == {1 if method is LNTLJoint else 2}


@pytest.mark.parametrize("trainable", ["last_stage", "all"])
def test_the_optimizers_are_disjoint_and_cover_all_that_trains(trainable, toy):
    module = make(toy, trainable=trainable, sensitive=["emotion", "attractive"])
    encoder, adversary = (
        {id(p) for group in optimizer.param_groups for p in group["params"]}
        for optimizer in module.configure_optimizers()[0]
    )
    assert not encoder & adversary
    assert encoder | adversary == {id(p) for p in module.parameters() if p.requires_grad}
    assert adversary == {id(p) for p in module.bias_heads.parameters()}
    assert list(module.bias_heads) == ["emotion", "attractive"]


def test_the_schedule_serves_both_optimizers(toy):
    halve = lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)  # noqa: E731
    optimizers, schedules = make(toy, scheduler=halve).configure_optimizers()
    assert [schedule.optimizer for schedule in schedules] == optimizers


def test_the_bias_loss_ignores_unknown_labels():
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, -1, 2, -1])
    torch.testing.assert_close(
        bias_cross_entropy(logits, target), functional.cross_entropy(logits[::2], target[::2])
    )
    maps = torch.randn(4, 8, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    target = torch.randint(-1, 8, (4, 3, 5, 5), generator=torch.Generator().manual_seed(1))
    each = [functional.cross_entropy(maps[:, :, c], target[:, c], ignore_index=-1) for c in range(3)]
    torch.testing.assert_close(bias_cross_entropy(maps, target), sum(each))
    target[:, 1] = -1  # no green anywhere
    torch.testing.assert_close(bias_cross_entropy(maps, target), each[0] + each[2])


@pytest.mark.parametrize("method", [LNTL, LNTLJoint])
def test_an_unlabelled_batch_trains_all_but_the_bias_heads(method, toy, batch, fit):
    module = make(toy, method, adversary_optimizer=plain_sgd)
    before = copy.deepcopy(module.state_dict())
    fit(module, batch | {"emotion": torch.full((12,), -1)})
    state = module.state_dict()
    assert all(torch.isfinite(value).all() for value in state.values())
    heads = [name for name, _ in module.named_parameters() if name.startswith("bias_heads")]
    assert all(torch.equal(state[name], before[name]) for name in heads)
    assert not torch.equal(state["head.output.weight"], before["head.output.weight"])


def test_several_heads_are_the_sum_of_each(toy, batch):
    module = make(toy, sensitive=["emotion", "attractive"]).eval()
    features = module.embed(batch["image"])
    losses = [known_loss(module.bias_heads[n](features), batch[n]) for n in ("emotion", "attractive")]
    torch.testing.assert_close(module.bias_heads.cross_entropy(features, batch), sum(losses))
    p = [module.bias_heads[name](features).softmax(1) for name in module.bias_heads]
    expected = sum((q * q.log()).sum(1).mean() for q in p)
    torch.testing.assert_close(module.bias_heads.confidence(features), expected)


class Ramps(LNTLVariant):
    """Notes the ramp of each batch."""

    def ramp(self) -> float:
        self.seen = [*getattr(self, "seen", []), super().ramp()]
        return self.seen[-1]


def trainer_for(folder: Any, epochs: int, **options: Any) -> Trainer:
    return Trainer(
        default_root_dir=folder, accelerator="cpu", max_epochs=epochs, logger=False,
        enable_progress_bar=False, enable_model_summary=False, **options,
    )  # fmt: skip


def test_the_ramp_starts_when_pretraining_ends(toy, batch, tmp_path):
    module = Ramps(**toy, task="smiling", sensitive="emotion", schedule="dann", pretrain_epochs=1)
    loader = DataLoader([batch] * 3, batch_size=None)
    trainer_for(tmp_path, 3, enable_checkpointing=False).fit(module, loader)
    assert module.seen == pytest.approx([dann_ramp(n / 6) for n in range(6)])
    constant = make(toy, LNTLVariant)
    assert constant.ramp() == 1


def test_going_on_from_a_checkpoint_is_as_not_having_stopped(toy, batch, tmp_path):
    options: dict[str, Any] = {"schedule": "dann", "pretrain_epochs": 1, "feature_layer": "layer4"}
    whole, again = (make(toy, LNTLVariant, **options) for _ in range(2))
    loader = DataLoader([batch, {**batch, "smiling": 1 - batch["smiling"].clamp(min=0)}], batch_size=None)
    saver = ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)
    trainer_for(tmp_path, 4, callbacks=[saver]).fit(whole, loader)
    rest = trainer_for(tmp_path, 4, enable_checkpointing=False)
    rest.fit(again, loader, ckpt_path=tmp_path / "epoch=1.ckpt", weights_only=True)
    assert rest.global_step == 8
    same(again, whole, tolerance=0.0)


@pytest.mark.parametrize("layer", [None, "layer4"])
def test_a_checkpoint_gives_the_module_back(layer, toy, batch, fit, tmp_path):
    module = make(toy, feature_layer=layer, hidden=0, sensitive=["emotion", "attractive"])
    fit(module, batch).save_checkpoint(tmp_path / "a.ckpt")
    again = LNTL.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    same(again, module, tolerance=0.0)
    assert set(again.attributes) == {"smiling", "emotion", "attractive"}
    assert torch.equal(again.eval().embed(batch["image"]), module.eval().embed(batch["image"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sensitive": "age"}, "sensitive: the data have no attribute 'age'"),
        ({"sensitive": ["emotion", "smiling"]}, "other than the task"),
        ({"sensitive": []}, "other than the task"),
        ({"feature_layer": "layer9"}, "no module 'layer9'; it has conv1"),
        ({"feature_layer": "layer2"}, "'layer2' comes before the part"),
        ({"trainable": "none"}, "nothing of the backbone trains"),
        ({"reversal": -0.1}, "cannot be negative"),
        ({"method": LNTLVariant, "refresh_steps": -1}, "cannot be negative"),
        ({"method": LNTLVariant, "pretrain_epochs": -1}, "cannot be negative"),
        ({"sensitive": "map", "label_maps": {"map": (3, 8)}}, "label maps are read from feature maps"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message, toy):
    with pytest.raises(ValueError, match=message):
        make(toy, **options)
