"""Plays SLURM on one machine: its commands, written under their names (`test_submit_slurm.py`).

sbatch SCRIPT      notes the script, gives job 1234 (then 1235, ...) back, and queues it, or each task of an
                   array, as a file in FAKE_SLURM/queue; FAKE_SLURM/refuse makes it refuse
squeue ...         prints the queue; FAKE_SLURM/unreachable makes it fail
srun ... PYTHON ...  starts SLURM_NTASKS of the commands, each in a process group, and notes those in
                   FAKE_SLURM/groups; ends all when one fails, as --kill-on-bad-exit does
scontrol requeue ID  notes the id
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

folder, name, arguments = Path(os.environ["FAKE_SLURM"]), Path(sys.argv[0]).name, sys.argv[1:]
queue = folder / "queue"
if name == "sbatch":
    if (folder / "refuse").exists():
        sys.exit("sbatch: error: invalid partition specified: gpu")
    queue.mkdir(exist_ok=True)
    job = 1234 + len(list(folder.glob("*.script")))
    (folder / f"{job}.script").write_text(arguments[0])
    array = re.search(r"--array=0-(\d+)", Path(arguments[0]).read_text())
    for task in [f"_{i}" for i in range(int(array[1]) + 1)] if array else [""]:
        (queue / f"{job}{task}").touch()
    print(f"Submitted batch job {job}")
elif name == "squeue":
    if (folder / "unreachable").exists():
        sys.exit("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    with open(folder / "squeue.txt", "a") as file:
        file.write(" ".join([*arguments, *sorted(x for x in os.environ if x.startswith("SQUEUE_"))]) + "\n")
    print("\n".join(sorted(file.name for file in queue.glob("*"))))
elif name == "scontrol":
    with open(folder / "scontrol.txt", "a") as file:
        file.write(" ".join(arguments) + "\n")
elif name == "srun":
    place = {"%j": "SLURM_JOB_ID", "%A": "SLURM_ARRAY_JOB_ID", "%a": "SLURM_ARRAY_TASK_ID"}
    log = arguments[arguments.index("--output") + 1]
    for mark, variable in place.items():
        log = log.replace(mark, os.environ.get(variable, mark))
    command = arguments[next(i for i, x in enumerate(arguments) if "python" in Path(x).name) :]
    tasks = []
    for rank in range(int(os.environ["SLURM_NTASKS"])):
        given = os.environ | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank), "SLURM_NODEID": "0"}
        with open(log.replace("%t", str(rank)), "a") as output:
            tasks.append(
                subprocess.Popen(
                    command, env=given, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
                )
            )
    (folder / "groups").write_text(" ".join(str(task.pid) for task in tasks))
    while any(task.poll() is None for task in tasks):
        time.sleep(0.05)
        if any(task.poll() for task in tasks):
            for task in tasks:
                with suppress(ProcessLookupError):
                    os.killpg(task.pid, signal.SIGKILL)
    sys.exit(max(abs(task.returncode) for task in tasks))
