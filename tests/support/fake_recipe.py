"""Stands for a recipe: notes that it ran, leaves what the real one does, and fails where it is told to."""

import os
import shutil
import sys
from pathlib import Path

here, arguments = Path(__file__).parent, sys.argv[1:]
recipe = Path(__file__).stem
with open(here / "ran.txt", "a") as file:
    file.write(" ".join([recipe, *arguments]) + "\n")
options = dict(x.split("=", 1) for x in arguments if x.startswith("--") and "=" in x)
if recipe == "train":
    checkpoints = Path(options["--trainer.default_root_dir"], "run", f"time_{os.getpid()}", "checkpoints")
    checkpoints.mkdir(parents=True)
    (checkpoints / "last.ckpt").touch()
if (here / f"break_{recipe}").exists():
    print("first line\nin the middle\nWarning: odd\nerror: out of luck")
    sys.exit(1)
if recipe == "train":
    (checkpoints / "best.ckpt").touch()
    (checkpoints.parent / "results.json").write_text('{"test/accuracy": 0.75}')
if recipe == "embed":
    shutil.copy(here / "table.safetensors", options["--out"])
if recipe == "audit":
    shutil.copytree(here / "audit_made", options["--out"])
