"""Runs recipes/prepare.py as a command, with a detector that needs no network and takes its time."""

import runpy
from pathlib import Path

from datamodules.cropping import crop_worker
from tests.support.fake_detector import load_slowly

if __name__ == "__main__":
    crop_worker.load_detector = load_slowly
    runpy.run_path(str(Path(__file__).parents[2] / "recipes" / "prepare.py"), run_name="__main__")
