"""The methods that tests of all methods draw from, on a toy backbone and a batch of noise."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lightning_modules.attractiveness import Attractiveness
from lightning_modules.baseline import Baseline
from lightning_modules.blind_eye import BlindEye
from lightning_modules.dann import DANN
from lightning_modules.end import EnD
from lightning_modules.face_recognition import FaceRecognition
from lightning_modules.laftr import LAFTR
from lightning_modules.lntl import LNTL
from lightning_modules.lntl_joint import LNTLJoint
from lightning_modules.lntl_variant import LNTLVariant
from lightning_modules.sensitivenets import SensitiveNets
from lightning_modules.sensitivenets_variant import SensitiveNetsVariant
from lightning_modules.training.base import FaceModule
from tests.support.small_trainings import STEP_LR

ATTRIBUTES = {
    "emotion": ["happy", "neutral", "sad"],
    "smiling": ["no", "yes"],
    "attractive": ["no", "yes"],
    "identity": ["a", "b", "c", "d"],
}
TOY: dict[str, Any] = {
    "backbone": "resnet10t",
    "weights": "random",
    "backbone_options": {
        "channels": [8, 8, 16, 16],
        "stem_width": 8,
        "input_size": 32,
        "act_layer": "leaky_relu",  # or a unit can be dead
        "zero_init_last": False,  # or the residual branches have no gradient in the first step
    },
}
"""Keywords of any method for a backbone of 13 thousand weights."""


def noise_batch() -> dict[str, Tensor]:
    """Twelve random images; one label of each attribute is unknown."""
    generator = torch.Generator().manual_seed(1)
    n = torch.arange(12)
    labels = {"emotion": n % 3, "smiling": n % 2, "attractive": (n // 2) % 2, "identity": n % 4}
    image = torch.randint(256, (12, 3, 40, 40), generator=generator, dtype=torch.uint8)
    return {"image": image, "index": n, **{k: v.masked_fill(n == 5, -1) for k, v in labels.items()}}


@dataclass(frozen=True)
class Method:
    """A method as the tests train it.

    Attributes:
        kind: the class.
        config: the file of `configs/` that trains it.
        options: keyword arguments that it needs, beside the attributes and the backbone.
        unusual: further ones, which differ from their defaults, so that a checkpoint has to keep them.
        trained: the parts that training moves, as prefixes of the names of their parameters.
        steps: how often each optimizer steps in nine batches, by the argument that makes it.
        arguments: options of `recipes/train.py` for a training of 18 batches in three epochs.
        trainable: the part of the backbone that may train.
    """

    kind: type[FaceModule]
    config: str
    options: dict[str, Any]
    unusual: dict[str, Any]
    trained: tuple[str, ...]
    steps: dict[str, int]
    arguments: list[str] = field(default_factory=list)
    trainable: str = "last_stage"

    @property
    def command(self) -> list[str]:
        """The options of `recipes/train.py`."""
        return [f"--config={self.config}", *self.arguments]


HIDES: Any = {"task": "smiling", "sensitive": "emotion", "hidden": 8}
ENCODER = ("backbone", "head")
TRAINABLE_ALL = "--model.init_args.trainable=all"

METHODS = {
    "baseline": Method(
        Baseline, "baseline.yaml", {"task": "emotion", "hidden": 8}, {},
        trained=ENCODER, steps={"optimizer": 9}, arguments=[STEP_LR, TRAINABLE_ALL],
    ),
    "attractiveness": Method(
        Attractiveness, "attractiveness.yaml", {"sensitive": "emotion"}, {"hidden": 8},
        trained=ENCODER, steps={"optimizer": 9}, arguments=[STEP_LR, TRAINABLE_ALL],
    ),
    "face_recognition": Method(
        FaceRecognition, "face_recognition.yaml", {}, {"loss": "arcface", "margin": 0.2},
        trained=("backbone", "loss"), steps={"optimizer": 9}, trainable="all",
    ),
    "lntl": Method(
        LNTL, "lntl_published.yaml", HIDES, {"feature_layer": "layer4", "lambda_": 0.3},
        trained=(*ENCODER, "bias_heads"), steps={"optimizer": 18, "adversary_optimizer": 9},
        arguments=[STEP_LR],
    ),
    # of nine batches three are of all, with two passes
    "lntl_variant": Method(
        LNTLVariant, "lntl.yaml", {**HIDES, "refresh_steps": 2}, {"schedule": "dann"},
        trained=(*ENCODER, "bias_heads"), steps={"optimizer": 6, "adversary_optimizer": 9},
        arguments=[STEP_LR, "--model.init_args.schedule=dann"],
    ),
    "lntl_joint": Method(
        LNTLJoint, "lntl_joint.yaml", HIDES, {"hidden": 0, "set_to_none": True},
        trained=(*ENCODER, "bias_heads"), steps={"optimizer": 9, "adversary_optimizer": 9},
        arguments=[STEP_LR],
    ),
    "sensitivenets": Method(
        SensitiveNets, "sensitivenets.yaml",
        {"sensitive": "emotion", "target": "sad", "rounds": 2, "steps_per_round": 2, "classifier_steps": 2},
        {"width": 6, "layers": 2, "hidden": 4},
        trained=("suppressor", "classifier"), steps={"optimizer": 6, "classifier_optimizer": 3},
        trainable="none",
        arguments=[
            "--model.init_args.steps_per_round=3", "--model.init_args.classifier_steps=3",
            "--model.init_args.width=8", "--model.init_args.mining=random",
        ],
    ),
    "sensitivenets_variant": Method(
        SensitiveNetsVariant, "sensitivenets_variant.yaml",
        {
            "sensitive": "emotion", "target": "uniform", "rounds": 2, "steps_per_round": 2,
            "classifier_steps": 2, "init": "identity", "keep": "similarities",
        },
        {"width": 16},
        trained=("suppressor", "classifier"), steps={"optimizer": 6, "classifier_optimizer": 3},
        trainable="none",
        arguments=[
            "--model.init_args.steps_per_round=1", "--model.init_args.classifier_steps=3",
            "--model.init_args.width=64",
        ],
    ),
    "dann": Method(
        DANN, "dann.yaml", HIDES, {"strength": 0.3, "bias_hidden": 4},
        trained=(*ENCODER, "adversary"), steps={"optimizer": 9}, arguments=[STEP_LR],
    ),
    "blind_eye": Method(
        BlindEye, "blind_eye.yaml", {**HIDES, "main_every": 2}, {"alpha": 0.3, "main_every": 4},
        trained=(*ENCODER, "adversary"), steps={"optimizer": 6, "adversary_optimizer": 3},
        arguments=[STEP_LR, "--model.init_args.main_every=2"],
    ),
    "end": Method(
        EnD, "end.yaml", HIDES, {"alpha": 0.3, "beta": 0.2},
        trained=ENCODER, steps={"optimizer": 9}, arguments=[STEP_LR],
    ),
    "laftr": Method(
        LAFTR, "laftr.yaml", HIDES, {"fairness": "equalised_odds", "gamma": 0.3, "adversary_hidden": 5},
        trained=(*ENCODER, "adversary"), steps={"optimizer": 9, "adversary_optimizer": 9},
        arguments=[STEP_LR],
    ),
}  # fmt: skip
"""Every module of `lightning_modules/` has an entry; one whose options make another algorithm has several."""
