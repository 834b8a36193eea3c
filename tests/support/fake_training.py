"""Stands for `recipes/train.py` where a sweep is tested: leaves what a training leaves, with known metrics.

    python fake_training.py FOLDER [fail | cut | SECONDS]

lambda L and seed S give accuracy 0.9 - L / 10 + S / 100 and leakage 0.5 - L / 5 - S / 50; the test 0.01 more.
"""

import json
import shutil
import sys
import time
from pathlib import Path

folder, how = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
parameters = json.loads((folder / "parameters.json").read_text())
with open(folder.parent / "started.txt", "a") as file:
    file.write(f"{folder.name}\n")
print("training", flush=True)
if how == "fail":
    print("error: the loss is not finite", file=sys.stderr)
    sys.exit(1)
time.sleep(float(how) if how not in ("", "cut") else 0)
strength, seed = parameters["model.init_args.lambda_"], parameters["seed_everything"]
accuracy, leakage = 0.9 - strength / 10 + seed / 100, 0.5 - strength / 5 - seed / 50
training = folder / "lntl" / "now"
(training / "checkpoints").mkdir(parents=True)
lines = [
    "epoch,val/accuracy,val/leakage/emotion,test/accuracy,test/leakage/emotion",
    "0,0.1,0.99,,",
    f"1,{accuracy},{leakage},,",
    "2,0.2,0.98,,",
    f"3,,,{accuracy + 0.01},{leakage + 0.01}",
]
if how == "cut":
    lines = [line.rsplit(",", 2)[0] for line in lines[:3]]
(training / "metrics.csv").write_text("\n".join(lines) + "\n")
(training / "leakage_val.csv").write_text("attribute,chance\nemotion,0.25\n")
shutil.copy(folder.parent / "best.ckpt", training / "checkpoints")
