"""The task of a sweep's job on a played SLURM: told that its time is over, it comes again and goes on."""

import json
import os
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from recipes import sweep
from recipes.cluster.submit_options import Resources, Slurm
from recipes.cluster.submit_slurm import submit
from recipes.command_line.exit_codes import TERMINATED
from recipes.sweeping.sweep_job import SweepJob
from recipes.sweeping.sweep_run_folder import SweepRun, training_folder
from tests.support.played_slurm import play_slurm, start
from tests.support.small_trainings import SMALL, content
from tests.support.sweep_folder import FAKE, write_checkpoint
from tests.support.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]  # of toy lengths

# the first start trains until it is told; the second is a fake training, in the first task; both wait for all
TRAINING = f"""
echo task $SLURM_PROCID
if [ ! -e told ]; then
    trap 'echo saved; touch saved$SLURM_PROCID; until [ -e saved1 ]; do sleep 0.05; done; exit 143' TERM
    touch ready$SLURM_PROCID
    while true; do sleep 0.05; done
fi
touch again$SLURM_PROCID
until [ -e again1 ]; do sleep 0.05; done
[ $SLURM_PROCID = 1 ] || exec "$1" -S {FAKE} "$2" 0
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    return play_slurm(tmp_path, monkeypatch)


def submit_run(*command: str, tasks: int) -> SweepRun:
    """A run whose command is this and the folder, as the first job."""
    write_checkpoint(Path("out"))
    parameters = {"model.init_args.lambda_": 0, "seed_everything": 0}
    run = SweepRun(parameters, Path("out/run"), [*command, "out/run"], "{}")
    run.write_parameters()
    submit([SweepJob(run)], "slurm", Slurm(), Resources(1, tasks, False), "sweep", Path("out/slurm"))
    return run


def tell(slurm: Path, *signals: signal.Signals) -> None:
    """Send signals to every process of every task, as SLURM does."""
    for group in (slurm / "groups").read_text().split():
        for one in signals:
            os.killpg(int(group), one)


@pytest.mark.parametrize("signals", [(signal.SIGUSR2,), (signal.SIGTERM, signal.SIGUSR2)])
def test_all_tasks_end_the_training_and_the_first_requeues(signals, slurm):
    run = submit_run("bash", "-c", TRAINING, "bash", sys.executable, tasks=2)
    first = start(slurm, tasks=2)
    wait_until(lambda: Path("ready0").exists() and Path("ready1").exists())
    tell(slurm, *signals)
    assert first.wait(SECONDS) != 0
    assert (slurm / "scontrol.txt").read_text() == "requeue 1234\n", "once"
    assert training_folder(run) is None
    log = run.folder / "log.txt"
    assert "saved\n" in log.read_text(), "SIGTERM reached it, SIGUSR2 did not end it"
    other = Path("out/slurm/1234_1_log.out")
    assert "saved\n" in other.read_text()
    Path("told").touch()
    assert start(slurm, tasks=2).wait(SECONDS) == 0, log.read_text()
    assert training_folder(run) == run.folder / "lntl" / "now"
    assert log.read_text().count("task 0") == 2, "a start adds to the log of the one before"
    assert "task 1" not in log.read_text()
    assert other.read_text().count("task 1") == 2
    assert json.loads((run.folder / "done.json").read_text())["parameters"] == run.parameters


@pytest.mark.parametrize("code", ["", "0", "1"])  # it does not listen yet; of a test; its data loaders ended
def test_a_training_that_leaves_otherwise_comes_again_too(code, slurm):
    listen = f"trap 'exit {code}' TERM; " if code else ""
    run = submit_run("bash", "-c", f"{listen}touch ready; while true; do sleep 0.05; done", tasks=1)
    first = start(slurm, tasks=1)
    wait_until(lambda: Path("ready").exists())
    tell(slurm, signal.SIGUSR2)
    assert first.wait(SECONDS) != 0
    assert (slurm / "scontrol.txt").read_text() == "requeue 1234\n"
    assert training_folder(run) is None


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("echo error: not finite; exit 2", "exit code 2: error: not finite; all of it in out/run/log.txt"),
        ("true", "its training was not tested, so it was cut short or a rehearsal; see out/run/log.txt"),
    ],
)
def test_a_failed_job_logs_its_reason_and_is_not_requeued(command, problem, slurm):
    run = submit_run("bash", "-c", command, tasks=1)
    run.folder.joinpath("log.txt").write_text("error: of an earlier start\n")
    assert start(slurm, tasks=1).wait(SECONDS) != 0
    assert Path("out/slurm/1234_0_log.out").read_text().splitlines()[-1] == f"error: {problem}"
    assert not (slurm / "scontrol.txt").exists()
    assert training_folder(run) is None


def test_the_exit_code_of_an_ended_training_is_the_recipes():
    assert TERMINATED == 143


REAL = {
    "program": "recipes/train.py",
    "method": "grid",
    "metric": {"name": "val/accuracy", "goal": "maximize"},
    "parameters": {"seed_everything": {"values": [0]}},
    "command": ["${env}", "${interpreter}", "${program}", "--config", "lntl.yaml", "${args}"],
}
# 12 batches; of both epochs the first is the best
SHORT = [*SMALL, "--trainer.max_epochs=2", "--checkpoint.mode=min"]


def test_a_resumed_training_gives_the_table_of_a_whole_one(slurm, capsys):
    Path("sweep.yaml").write_text(yaml.safe_dump(REAL))
    told = {"class_path": "tests.support.told.AllTold", "init_args": {"step": 8}}
    callbacks = f"--trainer.callbacks=[{json.dumps(told)}]"
    command = ["sweep.yaml", "--out=out", "--cluster=slurm", "--", *SHORT, callbacks]
    sweep.main(command)
    (run,) = (note.parent for note in Path("out").glob("*/job.json"))
    assert start(slurm, tasks=1).wait(SECONDS) != 0
    log = (run / "log.txt").read_text()
    assert (slurm / "scontrol.txt").read_text() == "requeue 1234\n", log
    (first,) = (run / "lntl").iterdir()
    assert content(first)["global_step"] == 9, "the batch in which the signal came was ended and saved"
    assert start(slurm, tasks=1).wait(SECONDS) == 0, log
    assert "(epoch 1, step 9)" in (run / "log.txt").read_text().removeprefix(log)
    (slurm / "queue" / "1234").unlink()
    capsys.readouterr()
    sweep.main(command)
    assert capsys.readouterr().out.startswith("1 done, 0 queued or running, 0 failed, 0 new, of 1\n")
    sweep.main(["sweep.yaml", "--out=here", "--", *SHORT])
    for name in ("sweep.csv", "chosen.csv"):
        there, here = (pd.read_csv(Path(folder, name)) for folder in ("out", "here"))
        pd.testing.assert_frame_equal(there, here, check_exact=True)
    second = next(file.parent for file in run.glob("lntl/*/results.json"))
    assert content(second, "best")["epoch"] == 0, "whose validation is in the first part's folder"
