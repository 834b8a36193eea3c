"""Submit trainings to SLURM, or run them on this machine, through submitit."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import submitit

from recipes.cluster.submit_options import Resources, Slurm
from recipes.command_line.usage_error import UsageError


class SbatchScript(submitit.SlurmExecutor):
    """Executor that writes the script for sbatch; it works without SLURM by pretending that there is one."""

    @classmethod
    def affinity(cls) -> int:
        """Return a positive number: SLURM is taken to be there."""
        return 1

    def text(self, jobs: int) -> str:
        """Write the script of a job, or of an array of several."""
        if jobs > 1:
            self.parameters["map_count"] = jobs
        # no public way: submitit writes the script to a file only when it submits
        return self._make_submission_file_text(self._submitit_command_str, "")


def sbatch_parameters(slurm: Slurm, resources: Resources, name: str) -> dict[str, Any]:
    """Translate the options to submitit's names."""
    kind = f"{slurm.gpu_type}:" if slurm.gpu_type else ""  # sbatch writes a100:4
    parameters = {
        "job_name": name,
        "partition": slurm.partition,
        "account": slurm.account,
        "time": round(slurm.hours * 60),
        "signal_delay_s": slurm.notice,
        "nodes": resources.nodes,
        "ntasks_per_node": resources.devices,  # Lightning: a process per device, and each task is one
        "gpus_per_node": f"{kind}{resources.devices}" if resources.gpus else None,
        "cpus_per_task": slurm.cpus_per_task,
        "mem": f"{slurm.mem_gb}GB" if slurm.mem_gb else None,
        "array_parallelism": slurm.parallel,
        "setup": slurm.setup or None,
        # srun inherits no cores since SLURM 22.05; and others would wait for a process that failed
        "srun_args": [f"--cpus-per-task={slurm.cpus_per_task}", "--kill-on-bad-exit=1"],
        "stderr_to_stdout": True,
        "additional_parameters": {"requeue": True, **slurm.sbatch},
    }
    return {key: value for key, value in parameters.items() if value is not None}


def sbatch_script(slurm: Slurm, resources: Resources, name: str, folder: Path, jobs: int) -> str:
    """Write the script that sbatch would get for this number of jobs."""
    executor = SbatchScript(folder)
    executor.update_parameters(**sbatch_parameters(slurm, resources, name))
    return executor.text(jobs)


def check_slurm() -> None:
    """Refuse a machine without SLURM.

    Raises:
        UsageError: there is no SLURM.
    """
    if submitit.SlurmExecutor.affinity() <= 0:
        raise UsageError(
            "there is no SLURM here (no srun): submit from a login node of the cluster, see the script by "
            "--dry_run true, or try it on this machine by --cluster local"
        )


def submit(
    jobs: Sequence[Callable[[], None]],
    cluster: str,
    slurm: Slurm,
    resources: Resources,
    name: str,
    folder: Path,
) -> list[submitit.Job[None]]:
    """Submit jobs, several as one array.

    Args:
        jobs: callables with a method `checkpoint` for submitit.
        cluster: `slurm`, or `local` for this machine, which uses only the time limit of `slurm`.
        slurm: options of the job.
        resources: processes and GPUs.
        name: of the job.
        folder: for scripts and logs.

    Raises:
        UsageError: the cluster refuses the job.
    """
    if cluster == "local":
        local = submitit.LocalExecutor(folder)
        local.update_parameters(
            timeout_min=round(slurm.hours * 60), signal_delay_s=slurm.notice, stderr_to_stdout=True,
            gpus_per_node=resources.devices if resources.gpus else 0,
        )  # fmt: skip
        return local.submit_array(jobs)
    executor = submitit.SlurmExecutor(folder, max_num_timeout=slurm.limits)
    executor.update_parameters(**sbatch_parameters(slurm, resources, name))
    try:
        return executor.submit_array(jobs)
    except submitit.core.utils.FailedJobError as error:
        raise UsageError(f"sbatch refused: {' '.join(str(error).split())}") from error


def monitoring_hint(jobs: Sequence[submitit.Job[None]]) -> str:
    """Say which commands show and cancel jobs that were submitted together."""
    job_id = jobs[0].job_id.split("_")[0]
    return f"to look: squeue --jobs {job_id}; to end: scancel {job_id}"
