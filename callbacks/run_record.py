"""Record a run in its folder: the resolved configuration and the environment."""

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import yaml
from packaging.requirements import Requirement
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.cli import SaveConfigCallback

from storage.json_file import write_json

DISTRIBUTION = "blindface"
DATA_CONFIG = "data.yaml"
TRAINING_SAMPLES = "training_samples.json"


def package_versions() -> dict[str, str]:
    """Return the installed versions of this distribution and of its requirements."""
    requirements = metadata.requires(DISTRIBUTION) or []
    names = [Requirement(r).name for r in requirements if "extra ==" not in r]
    return {name: metadata.version(name) for name in sorted([DISTRIBUTION, *names])}


def git_state() -> dict[str, Any]:
    """Return the commit, and whether tracked files differ from it; empty outside a git checkout."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.CalledProcessError):
        return {}


def data_config(config: dict[str, Any]) -> str:
    """Return the data section of a configuration as YAML, with the seed of the training.

    The training order is left out, as it does not change the set of samples.
    """
    data = config["data"]
    options = {k: v for k, v in (data.get("init_args") or {}).items() if k != "train_order"}
    options["seed"] = int(config["seed_everything"])
    kept = {"data": {**data, "init_args": options}}
    return "# The data of this run:   --config FOLDER/data.yaml\n" + yaml.safe_dump(kept, sort_keys=False)


class RunRecord(SaveConfigCallback):
    """Save `config.yaml`, which repeats the run, `data.yaml` and `environment.json` in the run folder.

    `data.yaml` is for recipes that use the same data without training, such as `embed.py`, and
    `training_samples.json` holds the ids of the training samples, for tables to say whom they learned from.
    """

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write the environment beside the configuration, in the first process only."""
        datamodule = trainer.datamodule  # type: ignore[attr-defined]
        record = {
            "command": sys.argv,
            "git": git_state(),
            "dataset": {"class": type(datamodule).__name__, "fingerprint": datamodule.fingerprint},
            "device": str(pl_module.device if trainer.num_devices == 1 else trainer.strategy.root_device),
            "processes": trainer.world_size,
            "precision": trainer.precision,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            "packages": package_versions(),
        }
        assert trainer.loggers, "the command line always gives a run its CSV logger"
        folder = Path(trainer.loggers[0].save_dir or ".")
        write_json(folder / "environment.json", record, indent=2)
        if "train" in datamodule.datasets:
            write_json(folder / TRAINING_SAMPLES, {"samples": datamodule.sample_ids("train").tolist()})
        config = yaml.safe_load((folder / self.config_filename).read_text())
        (folder / DATA_CONFIG).write_text(data_config(config))
        for logger in trainer.loggers[1:]:  # beside the CSV, whose folder holds the file itself
            logger.log_hyperparams({**config, "environment": record})
