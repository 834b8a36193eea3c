"""Options of a SLURM job; the number of nodes, tasks and GPUs follows from the trainer."""

from dataclasses import dataclass, field
from typing import NamedTuple

from jsonargparse import Namespace
from jsonargparse.typing import NonNegativeInt, PositiveFloat, PositiveInt

from recipes.command_line.usage_error import UsageError

_OURS = {
    *("nodes", "ntasks", "ntasks-per-node", "gres", "gpus", "gpus-per-node", "gpus-per-task"),
    *("cpus-per-task", "mem", "time", "signal", "array", "output", "error", "open-mode", "requeue"),
}


@dataclass(kw_only=True)
class Slurm:
    """Options of a SLURM job; nodes, tasks and GPUs follow from trainer.num_nodes and trainer.devices.

    Args:
        partition: null: the cluster's default.
        account: account to charge; null: the user's default.
        hours: time limit; a training that needs longer is requeued.
        limits: how many times a job may be requeued at the time limit (preemptions do not count).
        notice: seconds before the time limit at which the training is signalled; a batch and a checkpoint
            must fit.
        cpus_per_task: cores of each process, including its data loaders.
        mem_gb: memory of a node in GB; null: the cluster's default.
        gpu_type: such as a100; null: any.
        parallel: number of jobs of an array that run at the same time.
        setup: shell lines to run before the training, such as "module load cuda".
        sbatch: further options of sbatch, such as {qos: long}; true for options without a value.

    Raises:
        ValueError: `sbatch` holds an option that follows from others, or the notice is longer than the time
            limit.
    """

    partition: str | None = None
    account: str | None = None
    hours: PositiveFloat = 24.0
    limits: NonNegativeInt = 20
    notice: PositiveInt = 120
    cpus_per_task: PositiveInt = 8
    mem_gb: PositiveInt | None = None
    gpu_type: str | None = None
    parallel: PositiveInt = 8
    setup: list[str] = field(default_factory=list)
    sbatch: dict[str, str | int | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if taken := sorted({name.replace("_", "-") for name in self.sbatch} & _OURS):
            raise ValueError(
                f"slurm.sbatch: {', '.join(taken)} follows from another option (trainer.num_nodes, "
                "trainer.devices or one of --slurm.*); set that"
            )
        if self.notice >= self.hours * 3600:
            raise ValueError(
                f"slurm.notice: {self.notice} seconds are more than the job's {self.hours} hours"
            )


class Resources(NamedTuple):
    """Nodes and devices that the trainer expects."""

    nodes: int
    devices: int
    """Processes (and GPUs, if any) of a node."""
    gpus: bool


def requested_resources(trainer: Namespace) -> Resources:
    """Read the nodes and devices to request from the trainer's options.

    Raises:
        UsageError: the number of devices would be known only at run time.
    """
    devices = trainer.devices
    if not str(devices).isdecimal() or int(devices) < 1:
        raise UsageError(
            f"trainer.devices is {devices}, and a cluster has to be told how many: add --trainer.devices 4"
        )
    return Resources(trainer.num_nodes, int(devices), trainer.accelerator != "cpu")


def check_resumable(ckpt_path: object, seed: object) -> None:
    """Refuse a training that --resume auto could not resume.

    Raises:
        UsageError: it starts from a checkpoint, or draws its seed.
    """
    if ckpt_path:
        raise UsageError("a job finds its checkpoint itself, by --resume auto: leave ckpt_path out")
    if isinstance(seed, bool):
        raise UsageError("seed_everything: give a number, or a job that comes again is another training")
