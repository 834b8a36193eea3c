"""Every method trains in 32 bits, in bfloat16 and in float16 with scaled gradients."""

import copy
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor
from torch.utils.data import DataLoader

from tests.support.marks import slow_but
from tests.support.methods import ATTRIBUTES, METHODS, TOY, noise_batch


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


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("precision", slow_but("16-mixed", ["32-true", "bf16-mixed", "16-mixed"]))
@pytest.mark.parametrize("name", METHODS)
def test_every_player_trains_and_every_loss_is_finite(name, precision, tmp_path):
    method = METHODS[name]
    torch.manual_seed(0)
    module = method.kind(**TOY, attributes=ATTRIBUTES, trainable=method.trainable, **method.options)
    before = copy.deepcopy(module.state_dict())
    batch, watch = noise_batch(), Watch()
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
    assert {name.split(".")[0] for name in moved} == set(method.trained)
    if precision == "16-mixed":
        assert watch.scaled == dict(enumerate(method.steps.values()))
    with trainer.precision_plugin.forward_context():
        assert module.eval().embed(batch["image"]).dtype == torch.float32
