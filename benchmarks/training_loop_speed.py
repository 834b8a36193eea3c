"""Time what Lightning's loop and our logging add to a training step with two optimizers.

    python -m benchmarks.training_loop_speed

A suppressor of three linear layers with a task head, and an adversary that reads an attribute from its
output: first the suppressor learns from both losses, then the adversary from its own, with Adam. The raw loop
has nothing around these steps. Ours is a Trainer around a `ManualOptimization` that logs running means of
three losses, with a CSVLogger every 50 steps: alone, with the progress bar of the recipes, and with their
check that the loss is finite. All read the same DataLoader and have to end with the same weights.

Small layers make a raw step of about a millisecond; large ones are those of the thesis (128 triplets of 2048
features, layers of 1024). Processor time of one thread, including the start of `fit`; the sides take turns,
and a ratio is the median of those of the rounds. The last line is JSON.
"""

import copy
import json
import logging
import tempfile
import warnings
from typing import Any, NamedTuple

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import ProgressBar, RichProgressBar
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Adam, Optimizer
from torch.utils.data import DataLoader

from benchmarks.options import make_parser
from benchmarks.timing import faster, per_item, take_turns
from callbacks.finite_loss import FiniteLoss
from lightning_modules.training.manual_optimization import ManualOptimization

CLASSES = 6

Loader = DataLoader[dict[str, Tensor]]


class Size(NamedTuple):
    """Samples in a batch, their features, units of each layer, and batches in a round."""

    batch: int
    features: int
    width: int
    batches: int


SIZES = {"small": Size(64, 256, 128, 400), "real": Size(384, 2048, 1024, 12)}
GOALS = {"small": 1.2, "real": 1.02}


class TwoNetworks(nn.Module):
    """A suppressor with its task head, and an adversary, with their losses."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        width = size.width
        self.suppressor = nn.Sequential(
            nn.Linear(size.features, width), nn.Linear(width, width), nn.Linear(width, width)
        )
        self.task, self.adversary = (
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, CLASSES)) for _ in range(2)
        )

    def main_losses(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the task's and the adversary's loss, of which the suppressor raises the latter."""
        embedding = self.suppressor(batch["embedding"])
        task = cross_entropy(self.task(embedding), batch["identity"])
        return task, cross_entropy(self.adversary(embedding), batch["emotion"])

    def bias_loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the adversary's loss, on a fixed embedding."""
        with torch.no_grad():
            embedding = self.suppressor(batch["embedding"])
        return cross_entropy(self.adversary(embedding), batch["emotion"])

    def optimizers(self) -> list[Optimizer]:
        """Return the optimizers of the suppressor with the task head, and of the adversary."""
        suppressor = Adam([*self.suppressor.parameters(), *self.task.parameters()])
        return [suppressor, Adam(self.adversary.parameters())]


class Loop(ManualOptimization):
    """The same in Lightning."""

    def __init__(self, networks: TwoNetworks) -> None:
        super().__init__()
        self.networks = networks

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Take a step of each optimizer."""
        suppressor, adversary = self.optimizers()  # type: ignore[attr-defined]  # there are two
        suppressor.optimizer.zero_grad()
        task, hide = self.networks.main_losses(batch)
        self.backward_and_step(task - hide, [suppressor], last=False)
        adversary.optimizer.zero_grad()
        bias = self.networks.bias_loss(batch)
        self.backward_and_step(bias, [adversary], last=True)
        return self.log_running_means(loss=task, hide=hide, bias=bias)

    def configure_optimizers(self) -> list[Optimizer]:
        """Return both optimizers."""
        return self.networks.optimizers()


def raw_loop(networks: TwoNetworks, loader: Loader) -> None:
    """Take a step of each optimizer on each batch."""
    suppressor, adversary = networks.optimizers()
    for batch in loader:
        suppressor.zero_grad()
        task, hide = networks.main_losses(batch)
        (task - hide).backward()
        suppressor.step()
        adversary.zero_grad()
        networks.bias_loss(batch).backward()
        adversary.step()


def our_loop(networks: TwoNetworks, loader: Loader, folder: str, callbacks: list[Callback]) -> None:
    """Run an epoch of `fit`; a progress bar among the callbacks is shown."""
    bar = any(isinstance(callback, ProgressBar) for callback in callbacks)
    Trainer(
        default_root_dir=folder, accelerator="cpu", max_epochs=1, callbacks=callbacks,
        logger=CSVLogger(folder), log_every_n_steps=50, enable_progress_bar=bar,
        enable_checkpointing=False, enable_model_summary=False,
    ).fit(Loop(networks), loader)  # fmt: skip


def make_loader(size: Size) -> Loader:
    """Make random batches beforehand."""
    generator = torch.Generator().manual_seed(0)
    batches = []
    for _ in range(size.batches):
        embedding = torch.randn(size.batch, size.features, generator=generator)
        labels = torch.randint(CLASSES, (2, size.batch), generator=generator)
        batches.append({"embedding": embedding, "identity": labels[0], "emotion": labels[1]})
    return DataLoader(batches, batch_size=None)  # type: ignore[arg-type]  # a list is dataset enough


def compare(size: Size, rounds: int) -> dict[str, Any]:
    """Return ratios to the raw loop, after a check that all end with the same weights."""
    loader = make_loader(size)
    torch.manual_seed(0)
    raw = TwoNetworks(size)
    ways: dict[str, list[type[Callback]]] = {
        "ours": [],
        "ours, progress bar": [RichProgressBar],
        "ours, progress bar and check of the loss": [RichProgressBar, FiniteLoss],
    }
    ours = {name: copy.deepcopy(raw) for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        sides: dict[str, Any] = {"raw": lambda: raw_loop(raw, loader)}
        for name, kinds in ways.items():
            sides[name] = lambda name=name, kinds=kinds: our_loop(
                ours[name], loader, folder, [kind() for kind in kinds]
            )
        times = take_turns(sides, rounds)
    for name, networks in ours.items():
        state = networks.state_dict()
        assert all(torch.equal(x, state[key]) for key, x in raw.state_dict().items()), f"{name} differs"
    return {name: faster(per_item(times, size.batches), name, "raw") for name in ways}


def main() -> None:
    """Measure and print."""
    options = make_parser(__doc__, rounds=11).parse_args()
    torch.set_num_threads(1)
    for hints in ("pytorch_lightning.utilities.rank_zero", "pytorch_lightning.callbacks"):
        logging.getLogger(hints).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", ".*does not have many workers|.*logging interval|.*LeafSpec")
    found: dict[str, Any] = {}
    for name, size in SIZES.items():
        print(f"torch {torch.__version__}, {name} layers, {options.rounds} rounds: median (range)")
        found[name] = compare(size, options.rounds) | {"goal": GOALS[name]}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
