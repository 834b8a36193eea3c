"""Plays SLURM on one machine: sbatch, srun and scontrol, written under those names (`test_submit_slurm.py`).

sbatch SCRIPT      notes the script and gives job 1234 back; FAKE_SLURM/refuse makes it refuse
srun ... PYTHON ...  starts SLURM_NTASKS of the commands; ends all when one fails, as --kill-on-bad-exit does
scontrol requeue ID  notes the id
"""

import os
import subprocess
import sys
import time
from pathlib import Path

folder, name, arguments = Path(os.environ["FAKE_SLURM"]), Path(sys.argv[0]).name, sys.argv[1:]
if name == "sbatch":
    if (folder / "refuse").exists():
        sys.exit("sbatch: error: invalid partition specified: gpu")
    (folder / "script").write_text(arguments[0])
    print("Submitted batch job 1234")
elif name == "scontrol":
    with open(folder / "scontrol.txt", "a") as file:
        file.write(" ".join(arguments) + "\n")
elif name == "srun":
    log = arguments[arguments.index("--output") + 1].replace("%j", os.environ["SLURM_JOB_ID"])
    command = arguments[next(i for i, x in enumerate(arguments) if "python" in Path(x).name) :]
    tasks = []
    for rank in range(int(os.environ["SLURM_NTASKS"])):
        place = {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank), "SLURM_NODEID": "0"}
        with open(log.replace("%t", str(rank)), "a") as output:
            tasks.append(
                subprocess.Popen(command, env=os.environ | place, stdout=output, stderr=subprocess.STDOUT)
            )
    while any(task.poll() is None for task in tasks):
        time.sleep(0.05)
        if any(task.poll() for task in tasks):
            for task in tasks:
                task.kill()
    sys.exit(max(abs(task.returncode) for task in tasks))
