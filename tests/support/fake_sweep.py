"""Runs recipes/sweep.py as a command, with trainings that only wait for so many seconds.

python -m tests.support.fake_sweep SECONDS ARGUMENTS...
"""

import runpy
import sys
from dataclasses import replace
from pathlib import Path

from recipes.sweeping import sweep_commands
from tests.support.sweep_folder import fake_plan

if __name__ == "__main__":
    seconds = sys.argv.pop(1)
    sweep_commands.planned_runs = lambda *plan: [
        replace(run, command=[*run.command, seconds]) for run in fake_plan(*plan)
    ]
    runpy.run_path(str(Path(__file__).parents[2] / "recipes" / "sweep.py"), run_name="__main__")
