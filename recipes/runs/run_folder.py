"""Make the folder of a run, `runs/<experiment>/<timestamp>/`, and its loggers."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger, Logger, WandbLogger
from pytorch_lightning.utilities.rank_zero import rank_zero_info, rank_zero_only

# W&B reports its own crashes to a third party unless told not to, before it starts.
os.environ.setdefault("WANDB_ERROR_REPORTING", "false")


def is_first_process() -> bool:
    """Return whether this is the process that writes.

    Lightning reads its rank from the environment when it is imported. Where Lightning starts the processes of
    a node, only the environment tells the nodes apart.
    """
    return getattr(rank_zero_only, "rank", 0) == 0 and os.environ.get("NODE_RANK", "0") == "0"


def new_run_folder(root: Path, experiment: str) -> Path:
    """Make a new folder for this run; only the first process makes it.

    The other processes of a multi-GPU run may compute another time stamp. That is harmless: only the first
    process logs, and Lightning broadcasts its checkpoint folder.
    """
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    folder = root / experiment / stamp
    if not is_first_process():
        return folder
    for attempt in range(1, 1000):
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:  # another run started in the same second
            folder = root / experiment / f"{stamp}_{attempt}"
    raise FileExistsError(f"cannot make a new run folder in {root / experiment}")


def has_wandb_key() -> bool:
    """Return whether W&B can log online without asking: a key in the environment or from `wandb login`."""
    import wandb

    if os.environ.get("WANDB_MODE", "online") in ("offline", "dryrun", "disabled"):
        return False
    try:
        return bool(wandb.login(prompt=False))
    except (wandb.errors.Error, ValueError) as error:  # a bad key or a node without internet
        rank_zero_info(f"W&B refused the configured key: {' '.join(str(error).split())}")
        return False


def _identity(wandb_id: str | None) -> dict[str, Any]:
    """Return the arguments by which W&B resumes a known run; its sweep agent names the run itself."""
    if wandb_id is None or "WANDB_RUN_ID" in os.environ:
        return {}
    return {"id": wandb_id, "resume": "allow"}


def make_loggers(folder: Path, experiment: str, logger: object, wandb_id: str | None = None) -> list[Logger]:
    """Make the loggers: CSV always, and W&B unless `--trainer.logger false`, or those of the configuration.

    Args:
        folder: the run folder.
        experiment: groups the runs in W&B.
        logger: the value of `trainer.logger`: a bool or None, a Logger or a list of them.
        wandb_id: id of the run in W&B; a resumed run keeps logging to it.
    """
    # flushed at every step: a killed run keeps its metrics
    csv = CSVLogger(str(folder), name="", version="", flush_logs_every_n_steps=1)
    if isinstance(logger, (Logger, list, tuple)):
        return [csv, *([logger] if isinstance(logger, Logger) else logger)]
    if logger is False:
        return [csv]
    import wandb

    online = is_first_process() and has_wandb_key()
    if not online:
        rank_zero_info(f"W&B logs offline; to upload later: wandb sync {folder}/wandb/offline-run-*")
    wandb_logger = WandbLogger(
        project="blindface",
        group=experiment,
        name=f"{experiment}/{folder.name}",
        **_identity(wandb_id),
        save_dir=folder.resolve(),  # W&B may have remembered another working directory
        mode="online" if online else "offline",
        settings=wandb.Settings(silent=not online),  # online it prints the address of the run
    )
    # no public way: Lightning always passes this setting, and W&B warns that it is deprecated
    wandb_logger._wandb_init.pop("anonymous", None)
    return [csv, wandb_logger]
