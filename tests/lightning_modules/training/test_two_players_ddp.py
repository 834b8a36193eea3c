"""Two processes: every method's ranks stay alike, and means over samples are those of one process.

What is not a mean over samples is of each process's own share of the batch: BatchNorm statistics (see
`--trainer.sync_batchnorm`), the pairs of EnD, the triplets of SensitiveNets, LAFTR's group means, and the
means over samples of known label where their number differs.
"""

import copy
import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn
from torch.utils.data import DataLoader

from lightning_modules.blind_eye import BlindEye
from lightning_modules.dann import DANN
from lightning_modules.end import EnD
from lightning_modules.laftr import LAFTR
from lightning_modules.lntl import LNTL
from lightning_modules.sensitivenets import SensitiveNets
from tests.lightning_modules.conftest import TOY

ATTRIBUTES = {
    "emotion": ["happy", "neutral", "sad"],
    "gender": ["female", "male"],
    "identity": ["a", "b", "c"],
}
HIDES: Any = {"task": "gender", "sensitive": "emotion", "hidden": 8, "trainable": "last_stage"}
PLAIN: Any = {
    "optimizer": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "adversary_optimizer": lambda p: torch.optim.SGD(p, lr=0.1),
}
ONE = {"optimizer": PLAIN["optimizer"]}
TURNS: Any = {"width": 6, "hidden": 6, "steps_per_round": 1, "rounds": 2, "sensitive": "emotion",
              "target": "neutral"}  # fmt: skip
METHODS: Any = {
    "lntl": (LNTL, {**HIDES, **PLAIN}),
    "lntl, refreshed": (LNTL, {**HIDES, **PLAIN, "refresh_steps": 1}),
    "lntl, joint": (LNTL, {**HIDES, **PLAIN, "scheme": "joint"}),
    "lntl of a stage": (
        LNTL, {**HIDES, **PLAIN, "stage": "layer3", "trainable": "all", "pretrain_epochs": 1},
    ),
    "dann": (DANN, {**HIDES, **ONE}),
    "blind_eye": (BlindEye, {**HIDES, **PLAIN, "main_every": 2}),
    "end": (EnD, {**HIDES, **ONE}),
    "laftr": (LAFTR, {**HIDES, **PLAIN}),
    "laftr, odds": (LAFTR, {**HIDES, **PLAIN, "fairness": "equalised_odds"}),
    "sensitivenets": (SensitiveNets, {**TURNS, "classifier_steps": 1}),
    "its classifier": (SensitiveNets, {**TURNS, "classifier_steps": 9, "warmup_rounds": 0}),
}  # fmt: skip
LOCAL = {"end", "sensitivenets"}  # whose losses are of pairs or triplets


def build(name: str) -> Any:
    """The method without BatchNorm, in double precision."""
    torch.manual_seed(0)
    method, options = METHODS[name]
    plain = {**TOY["backbone_options"], "norm_layer": "layernorm2d"}
    module = method(**{**TOY, "backbone_options": plain}, attributes=ATTRIBUTES, **options)
    for part in list(module.modules()):
        for child, layer in part.named_children():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                setattr(part, child, nn.Identity())
    return module.double()


def halves() -> list[list[dict[str, Tensor]]]:
    """Two batches, of two processes: in each half every group has two faces."""
    generator = torch.Generator().manual_seed(1)
    n = torch.arange(12)
    labels = {"emotion": n % 3, "gender": n % 2, "identity": n % 3}
    image = torch.randint(256, (2, 2, 12, 3, 32, 32), generator=generator, dtype=torch.uint8)
    return [[{"image": i, **labels} for i in batch] for batch in image]


def train(name: str, folder: Path, batches: list[dict[str, Tensor]], strategy: Any, devices: int) -> Any:
    """Three epochs of two batches."""
    module = build(name)
    trainer = Trainer(
        default_root_dir=folder, accelerator="cpu", max_epochs=3, logger=False, strategy=strategy,
        devices=devices, precision="64-true", use_distributed_sampler=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, DataLoader(batches, batch_size=None))
    assert trainer.global_step == len(batches) * 3
    return copy.deepcopy(module.state_dict())


def work(folder: Path) -> None:
    """What a process does: every method after another, then plain DDP."""
    rank = int(os.environ["RANK"])
    mine = [batch[rank] for batch in halves()]

    def ddp(finds: bool) -> DDPStrategy:
        return DDPStrategy(process_group_backend="gloo", find_unused_parameters=finds)

    results: dict[str, Any] = {name: train(name, folder, mine, ddp(True), 2) for name in METHODS}
    for name in ("lntl", "sensitivenets", "dann"):
        try:
            results[f"plain {name}"] = train(name, folder, mine, ddp(False), 2)
        except Exception as error:  # Lightning's or torch's
            results[f"plain {name}"] = f"{type(error).__name__}: {error}"
    torch.save(results, folder / f"{rank}.pt")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory) -> list[dict[str, Any]]:
    """What each of two processes ends with."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.lightning_modules.training.test_two_players_ddp", str(folder)],
            env=os.environ | common | {"RANK": str(k), "LOCAL_RANK": str(k), "TORCHELASTIC_RUN_ID": "test"},
            cwd=Path(__file__).parents[3], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        )
        for k in range(2)
    ]  # fmt: skip
    errors = [process.communicate(timeout=200)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors[0][-3000:] + errors[1][-3000:]
    return [torch.load(folder / f"{k}.pt", weights_only=True) for k in range(2)]


@pytest.mark.parametrize("name", METHODS)
def test_the_processes_end_alike_and_means_are_those_of_one(name, ranks, tmp_path):
    ours, theirs = (rank[name] for rank in ranks)
    assert ours.keys() == theirs.keys()
    assert [n for n in ours if not torch.equal(ours[n], theirs[n])] == []
    start = build(name).state_dict()
    assert [n for n in ours if not torch.equal(ours[n], start[n])]
    if name in LOCAL:
        return
    whole = [{k: torch.cat([half[k] for half in batch]) for k in batch[0]} for batch in halves()]
    one = train(name, tmp_path, whole, "auto", 1)
    for key, value in one.items():
        torch.testing.assert_close(ours[key], value, rtol=1e-9, atol=1e-11, msg=key)


@pytest.mark.parametrize(("name", "class_name"), [("lntl", "LNTL"), ("sensitivenets", "SensitiveNets")])
def test_two_players_refuse_plain_ddp_and_say_what_to_set(name, class_name, ranks):
    expected = (
        f"MisconfigurationException: {class_name} trains its players in turn, which plain DDP cannot: "
        "set --trainer.strategy ddp_find_unused_parameters_true"
    )
    assert [rank[f"plain {name}"] for rank in ranks] == [expected] * 2


def test_one_player_needs_no_search_for_unused_parameters(ranks):
    torch.testing.assert_close(ranks[0]["plain dann"], ranks[0]["dann"])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    work(Path(sys.argv[1]))
