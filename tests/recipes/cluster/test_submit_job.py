"""Signals to a submitted training; submitit and the training are played."""

import multiprocessing
import os
import signal

import pytest

from recipes.cluster import requeue_handler, submit_job
from recipes.cluster.submit_job import TrainingJob
from recipes.command_line import training as train_main


@pytest.fixture
def told(monkeypatch):
    """The signals that submitit's handler was given; the process is left as it was."""
    before = {one: signal.getsignal(one) for one in (signal.SIGUSR2, signal.SIGTERM)}
    got = []

    def submitit_handler(number, frame):
        got.append(number)
        if os.environ["SLURM_PROCID"] == "0":
            raise SystemExit(-1)

    signal.signal(signal.SIGUSR2, submitit_handler)
    signal.signal(signal.SIGTERM, lambda number, frame: None)  # submitit passes over it
    monkeypatch.setattr("sys.argv", [])
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("SLURM_PROCID", "0")
    monkeypatch.setattr(requeue_handler, "PATIENCE", 0)
    yield got
    for one, handler in before.items():
        signal.signal(one, handler)


def run(monkeypatch, training) -> object:
    """The exit code of a job with this in place of the training."""
    monkeypatch.setattr(train_main, "main", training)
    with pytest.raises(SystemExit) as ended:
        TrainingJob(["--config=lntl.yaml"])()
    return ended.value.code


def training_that(number: signal.Signals, code: int = 143):
    """A training that hears SIGTERM as Lightning does, and to which a signal comes."""

    def main() -> None:
        idle, heard = signal.getsignal(signal.SIGTERM), []
        signal.signal(signal.SIGTERM, lambda *_: heard.append("SIGTERM"))
        signal.raise_signal(number)
        assert heard == ["SIGTERM"], "the batch is ended and saved"
        signal.signal(signal.SIGTERM, idle)  # as Lightning's teardown
        raise SystemExit(code)

    return main


def test_a_training_is_ended_before_the_job_is_queued_again(told, monkeypatch):
    assert run(monkeypatch, training_that(signal.SIGUSR2)) == -1
    assert told == [signal.SIGUSR2]


def test_between_trainings_the_job_is_queued_again_at_once(told, monkeypatch):
    def main() -> None:
        signal.raise_signal(signal.SIGUSR2)
        pytest.fail("went on")

    assert run(monkeypatch, main) == -1
    assert told == [signal.SIGUSR2]


def test_after_sigterm_alone_the_job_is_not_queued_again(told, monkeypatch):
    assert run(monkeypatch, training_that(signal.SIGTERM)) == 143
    assert told == []


def test_after_sigterm_the_signal_to_come_again_is_waited_for(told, monkeypatch):
    monkeypatch.setattr(requeue_handler.time, "sleep", lambda seconds: signal.raise_signal(signal.SIGUSR2))
    assert run(monkeypatch, training_that(signal.SIGTERM)) == -1
    assert told == [signal.SIGUSR2]


def test_on_this_machine_nothing_is_waited_for(told, monkeypatch):
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "local")
    monkeypatch.setattr(requeue_handler.time, "sleep", lambda seconds: pytest.fail("waited"))
    assert run(monkeypatch, training_that(signal.SIGTERM)) == 143


def test_a_mistake_ends_the_job_for_good(told, monkeypatch):
    def main() -> None:
        raise SystemExit(2)

    assert run(monkeypatch, main) == 2
    assert told == []


def test_other_processes_end_their_batch_and_wait_for_the_first(told, monkeypatch):
    waited = []
    monkeypatch.setenv("SLURM_PROCID", "1")
    monkeypatch.setattr(requeue_handler.time, "sleep", waited.append)
    assert run(monkeypatch, training_that(signal.SIGUSR2)) == 143
    assert waited == [requeue_handler.PATIENCE], "its exit would have SLURM end the first"


def test_a_worker_that_is_told_as_well_goes_on(told, monkeypatch):
    def main() -> None:
        worker = multiprocessing.get_context("fork").Process(
            target=signal.raise_signal, args=[signal.SIGUSR2]
        )
        worker.start()
        worker.join()
        assert worker.exitcode == 0
        raise SystemExit(2)

    assert run(monkeypatch, main) == 2
    assert told == []


def test_a_training_that_ends_lets_the_job_end(told, monkeypatch):
    seen = []
    monkeypatch.setattr(train_main, "main", lambda: seen.extend(submit_job.sys.argv))
    TrainingJob(["--config=lntl.yaml", "--resume=auto"])()
    assert seen == [str(submit_job.TRAIN), "--config=lntl.yaml", "--resume=auto"]
    assert told == []


def test_what_comes_again_is_the_same_training():
    job = TrainingJob(["--config=lntl.yaml"])
    assert job.checkpoint().function.arguments == job.arguments
