"""Every method trains in 32 bits, in bfloat16 and in float16 with scaled gradients."""

import copy
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_modules.attractiveness import Attractiveness
from lightning_modules.baseline import Baseline
from lightning_modules.blind_eye import BlindEye
from lightning_modules.dann import DANN
from lightning_modules.end import EnD
from lightning_modules.face_recognition import FaceRecognition
from lightning_modules.laftr import LAFTR
from lightning_modules.lntl import LNTL
from lightning_modules.sensitivenets import SensitiveNets
from tests.lightning_modules.conftest import TOY

ATTRIBUTES = {
    "emotion": ["happy", "neutral", "sad"],
    "gender": ["female", "male"],
    "identity": ["a", "b", "c", "d"],
}
HIDES: Any = {"task": "gender", "sensitive": "emotion", "hidden": 8, "trainable": "last_stage"}
TURNS: Any = {"rounds": 2, "steps_per_round": 2, "classifier_steps": 2, "sensitive": "emotion",
              "target": "neutral"}  # fmt: skip
# the players by their prefixes in the state, and how many times each optimizer steps in 3 epochs of 3 batches
METHODS: Any = {
    "baseline": (Baseline, {"task": "gender", "trainable": "last_stage"}, ["backbone", "head"], [9]),
    "attractiveness": (Attractiveness, {"task": "gender", "sensitive": "emotion"}, ["head"], [9]),
    "face_recognition": (FaceRecognition, {}, ["backbone", "loss"], [9]),
    "lntl": (LNTL, HIDES, ["backbone", "head", "bias_heads"], [18, 9]),
    "lntl, joint": (LNTL, {**HIDES, "scheme": "joint"}, ["backbone", "head", "bias_heads"], [9, 9]),
    "sensitivenets": (SensitiveNets, TURNS, ["suppressor", "classifier"], [6, 3]),
    "dann": (DANN, HIDES, ["backbone", "head", "adversary"], [9]),
    "blind_eye": (BlindEye, {**HIDES, "main_every": 2}, ["backbone", "head", "adversary"], [6, 3]),
    "end": (EnD, HIDES, ["backbone", "head"], [9]),
    "laftr": (LAFTR, HIDES, ["backbone", "head", "adversary"], [9, 9]),
}  # fmt: skip


class Watch(Callback):
    """Notes every loss, and the optimizers that the gradient scaler steps."""

    def __init__(self) -> None:
        self.losses: list[Tensor] = []
        self.scaled: dict[int, int] = {}

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        if scaler := getattr(trainer.precision_plugin, "scaler", None):
            step = scaler.step

            def note(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
                raw = getattr(optimizer, "optimizer", optimizer)
                place = [id(o) for o in trainer.optimizers].index(id(raw))
                self.scaled[place] = self.scaled.get(place, 0) + 1
                return step(optimizer, *args, **kwargs)

            scaler.step = note

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, *_: Any) -> None:
        self.losses += outputs.values()


def images() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    n = torch.arange(12)
    labels = {"emotion": n % 3, "gender": n % 2, "identity": n % 4}
    image = torch.randint(256, (12, 3, 40, 40), generator=generator, dtype=torch.uint8)
    return {"image": image, **{name: label.masked_fill(n == 5, -1) for name, label in labels.items()}}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("name", METHODS)
def test_every_player_trains_and_every_loss_is_finite(name, precision, tmp_path):
    method, options, players, steps = METHODS[name]
    torch.manual_seed(0)
    module = method(**TOY, attributes=ATTRIBUTES, **options)
    before = copy.deepcopy(module.state_dict())
    batch, watch = images(), Watch()
    # on a CPU Lightning takes bfloat16 for 16-mixed, unless it is told how
    half = {"plugins": MixedPrecision("16-mixed", "cpu")}
    given: Any = half if precision == "16-mixed" else {"precision": precision}
    trainer = Trainer(
        default_root_dir=tmp_path, accelerator="cpu", max_epochs=3, callbacks=[watch], **given,
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, DataLoader([batch] * 3, batch_size=None))
    assert trainer.global_step == 9
    assert len(watch.losses) >= 9
    assert all(torch.isfinite(loss) for loss in watch.losses)
    assert all(torch.isfinite(parameter).all() for parameter in module.parameters())
    moved = [name for name, value in module.named_parameters() if not torch.equal(value, before[name])]
    assert {name.split(".")[0] for name in moved} == set(players)
    if precision == "16-mixed":
        assert watch.scaled == dict(enumerate(steps))
    with trainer.precision_plugin.forward_context():
        assert module.eval().embed(batch["image"]).dtype == torch.float32
