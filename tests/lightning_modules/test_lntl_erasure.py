"""LNTL takes an attribute from new probes and keeps the task; the same network trained plainly does not."""

import math
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from evaluation.leakage.accuracies import strongest
from evaluation.leakage.held_out_leakage import held_out_leakage
from evaluation.leakage.reduction import leakage_reduction
from evaluation.samples.labelled_samples import Samples
from lightning_modules.backbones.backbone_base import Backbone
from lightning_modules.backbones.preprocessing import InputSpec
from lightning_modules.lntl_variant import LNTLVariant
from lightning_modules.training import base

PEOPLE = 600
SEED = 0  # 0 to 4 pass


def people(seed: int) -> dict[str, Tensor]:
    """Images of 12 numbers: one says smiling or not, two say which of three emotions, all are noisy."""
    generator = torch.Generator().manual_seed(seed)
    smiling = torch.arange(PEOPLE) % 2
    emotion = torch.randint(3, (PEOPLE,), generator=generator)
    angle = emotion * 2 * math.pi / 3
    x = 0.3 * torch.randn(PEOPLE, 12, generator=generator)
    x[:, :3] += torch.stack([2 * smiling - 1, angle.cos(), angle.sin()], 1)
    who = torch.arange(PEOPLE) + PEOPLE * seed
    image = (0.5 + 0.1 * x).reshape(-1, 3, 2, 2)
    return {"image": image, "smiling": smiling, "emotion": emotion, "identity": who}


@pytest.fixture
def small_network(monkeypatch):
    """Every backbone has two layers and embeddings of 8 numbers."""

    def build(name: str, **options: Any) -> Backbone:
        network = nn.Sequential(nn.Flatten(), nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 8))
        spec = InputSpec(2, mean=(0.5, 0.5, 0.5), std=(0.1, 0.1, 0.1))
        backbone = Backbone(network, num_features=8, input_spec=spec, last_stage=[], recipe={})
        backbone.set_trainable("all")
        return backbone

    monkeypatch.setattr(base, "build_backbone", build)


def trained(data: dict[str, Tensor], epochs: int, **options: Any) -> LNTLVariant:
    torch.manual_seed(SEED)
    module = LNTLVariant(
        attributes={"smiling": ["no", "yes"], "emotion": ["happy", "neutral", "sad"]},
        task="smiling", sensitive="emotion", trainable="all", hidden=16, bias_hidden=64,
        optimizer=lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=5e-4),
        adversary_optimizer=lambda p: torch.optim.Adam(p, lr=0.03),
        **options,
    )  # fmt: skip
    trainer = Trainer(
        accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    batches = [{name: values[n : n + 50] for name, values in data.items()} for n in range(0, PEOPLE, 50)]
    trainer.fit(module, DataLoader(batches, batch_size=None))
    return module.eval()


@torch.no_grad()
def measured(
    module: LNTLVariant, learned: dict[str, Tensor], tested: dict[str, Tensor]
) -> tuple[float, float]:
    """Balanced accuracy of the strongest new probe, and the accuracy of the task."""
    samples = [
        Samples(module.embed(d["image"]).numpy(), d["emotion"].numpy(), d["identity"].numpy())
        for d in (learned, tested)
    ]
    right = module(tested["image"]).argmax(1) == tested["smiling"]
    best = strongest(held_out_leakage(*samples, ["linear", "rbf_svm", "forest"]))
    return best["balanced_accuracy"], right.float().mean().item()


@pytest.mark.slow
def test_new_probes_read_the_emotion_of_the_plain_network_only(small_network):
    fitted, *others = (people(3 * SEED + part) for part in (1, 2, 3))
    # of the batches of 88 epochs the network learns from those of 22
    plain, plain_task = measured(trained(fitted, 22, lambda_=0.0, reversal=0.0), *others)
    blind, blind_task = measured(trained(fitted, 88, lambda_=0.01, reversal=0.5, refresh_steps=3), *others)
    assert plain > 0.7
    assert leakage_reduction(plain, blind, 1 / 3) > 60  # percent
    assert min(plain_task, blind_task) > 0.98
