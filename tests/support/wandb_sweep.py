"""A sweep as W&B runs it, without its server: its local engine says what is next, its agent starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from wandb.wandb_agent import Agent


class Engine:
    """`wandb_engine.py` in an interpreter of its own."""

    def __init__(self, python: str, sweep: dict[str, Any]) -> None:
        script = str(Path(__file__).with_name("wandb_engine.py"))
        self.process = subprocess.Popen(
            [python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.violations = self.ask(sweep)

    def ask(self, content: Any) -> Any:
        self.process.stdin.write(json.dumps(content) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def engine(python: str, sweep: dict[str, Any]) -> Iterator[Engine]:
    made = Engine(python, sweep)
    try:
        yield made
    finally:
        made.process.communicate()


def all_points(python: str, sweep: dict[str, Any]) -> list[dict[str, Any]]:
    """The values of each run that the engine asks for."""
    points = []
    with engine(python, sweep) as asked:
        assert asked.violations == []
        while (config := asked.ask(None if not points else {})) is not None:
            points.append({name: value["value"] for name, value in config.items()})
    return points


def agent_runs(sweep: dict[str, Any], config: dict[str, Any], run_id: str) -> int:
    """Start a run as `wandb agent` does, wait, and return its exit code."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with patch.dict(os.environ, {"PATH": path, "WANDB_DIR": os.getcwd()}):
        agent = Agent(api=None, queue=None, sweep_id="local")
        agent._sweep_command = list(sweep["command"])
        os.environ["WANDB_SWEEP_ID"] = "local"
        agent._command_run({"run_id": run_id, "args": config, "program": sweep["program"]})
        return agent._run_processes[run_id]._popen.wait(timeout=900)
