import csv

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import nn
from torch.utils.data import DataLoader

from lightning_modules.training.manual_optimization import ManualOptimization


class TwoOptimizers(ManualOptimization):
    """The first steps twice a batch, the second once; `scale` makes gradients large."""

    def __init__(self, scale: float = 1.0, clip: float | None = None, schedule: bool = False) -> None:
        super().__init__(gradient_clip_val=clip)
        self.first, self.second = nn.Linear(3, 1), nn.Linear(3, 1)
        self.scale, self.schedule = scale, schedule

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> dict[str, torch.Tensor]:
        one, two = self.optimizers()
        one.optimizer.zero_grad()
        a = self.scale * self.first(batch).square().mean()
        self.backward_and_step(a, [one], last=False)
        one.optimizer.zero_grad()
        two.optimizer.zero_grad()
        b = self.scale * (self.first(batch) - self.second(batch) - 1).square().mean()
        self.backward_and_step(b, [one, two], last=True)
        return self.log_running_means(loss=a + b, a=a)

    def configure_optimizers(self):
        optimizers = [torch.optim.SGD(p.parameters(), lr=0.1) for p in (self.first, self.second)]
        if not self.schedule:
            return optimizers
        return optimizers, [torch.optim.lr_scheduler.StepLR(o, 1, gamma=0.5) for o in optimizers]


def _batches(count: int) -> list[torch.Tensor]:
    return list(torch.randn(count, 8, 3, generator=torch.Generator().manual_seed(0)))


def _fit(module, folder, count=7, **options) -> Trainer:
    options = {"max_epochs": 1, "precision": "32-true", "logger": False} | options
    if options["precision"] == "16-mixed":  # of which Lightning makes bf16 on a CPU, without a scaler
        scaler = torch.amp.GradScaler("cpu", init_scale=64.0)  # so that no step overflows and is left out
        options = {**options, "precision": None, "plugins": MixedPrecision("16-mixed", "cpu", scaler)}
    trainer = Trainer(
        default_root_dir=folder, accelerator="cpu", enable_progress_bar=False, enable_model_summary=False,
        callbacks=[ModelCheckpoint(folder)], **options,
    )  # fmt: skip
    trainer.fit(module, DataLoader(_batches(count), batch_size=None))
    return trainer


def _twin(module: TwoOptimizers, count: int, clip: float | None = None) -> None:
    """The same in plain torch."""
    one, two = (torch.optim.SGD(p.parameters(), lr=0.1) for p in (module.first, module.second))
    for batch in _batches(count):
        one.zero_grad()
        (module.scale * module.first(batch).square().mean()).backward()
        if clip:
            nn.utils.clip_grad_norm_(module.first.parameters(), clip)
        one.step()
        one.zero_grad()
        two.zero_grad()
        (module.scale * (module.first(batch) - module.second(batch) - 1).square().mean()).backward()
        for part, optimizer in ((module.first, one), (module.second, two)):
            if clip:
                nn.utils.clip_grad_norm_(part.parameters(), clip)
            optimizer.step()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("precision", "scale", "clip", "tolerance"),
    [
        ("32-true", 1.0, None, 0.0),
        ("32-true", 50.0, 0.3, 0.0),
        ("bf16-mixed", 1.0, 0.3, 3e-2),
        ("16-mixed", 1.0, None, 5e-3),
        ("16-mixed", 50.0, 0.3, 5e-3),
    ],
)
def test_steps_and_clipping_are_those_of_plain_torch(tmp_path, precision, scale, clip, tolerance) -> None:
    torch.manual_seed(1)
    module, twin = TwoOptimizers(scale, clip), TwoOptimizers(scale, clip)
    twin.load_state_dict(module.state_dict())
    trainer = _fit(module, tmp_path, precision=precision)
    _twin(twin, 7, clip)
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(module.state_dict()[name], value, rtol=tolerance, atol=tolerance, msg=name)
    assert trainer.global_step == 7, "three steps a batch are counted once"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_max_steps_and_checkpoints_count_batches(tmp_path) -> None:
    trainer = _fit(TwoOptimizers(), tmp_path, max_steps=5, max_epochs=-1)
    assert trainer.global_step == 5
    assert trainer.fit_loop.epoch_loop.batch_progress.total.completed == 5
    (path,) = tmp_path.glob("*.ckpt")
    assert torch.load(path, weights_only=True)["global_step"] == 5


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_means_are_logged_every_n_batches_and_at_the_epochs_end(tmp_path) -> None:
    torch.manual_seed(2)
    module = TwoOptimizers()
    seen: list[float] = []
    original = module.log_running_means
    module.log_running_means = lambda **terms: (seen.append(terms["a"].item()), original(**terms))[1]
    logger = CSVLogger(tmp_path, name="", version="run")
    _fit(module, tmp_path, logger=logger, log_every_n_steps=3)
    logger.finalize("success")
    with open(tmp_path / "run" / "metrics.csv") as file:
        logged = [float(row["train/a"]) for row in csv.DictReader(file) if row["train/a"]]
    assert logged == pytest.approx([sum(seen[0:3]) / 3, sum(seen[3:6]) / 3, seen[6]])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_schedules_step_once_an_epoch(tmp_path) -> None:
    trainer = _fit(TwoOptimizers(schedule=True), tmp_path, max_epochs=3)
    assert [o.param_groups[0]["lr"] for o in trainer.optimizers] == pytest.approx([0.1 / 8] * 2)
