"""Two tasks under SLURM, played on this machine: one training, queued again when its time is over."""

from pathlib import Path

import pytest
import yaml

from recipes.command_line.usage_error import UsageError
from recipes.submit import submit_training
from tests.support import toy
from tests.support.methods import METHODS
from tests.support.played_slurm import play_slurm, start, told_at
from tests.support.small_trainings import SMALL, content

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]  # of toy lengths

TRAINING = [
    *METHODS["lntl_variant"].command, *SMALL, "--trainer.max_epochs=6", "--trainer.devices=2",
    "--trainer.strategy=ddp_find_unused_parameters_true",
]  # fmt: skip


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    return play_slurm(tmp_path, monkeypatch)


def test_a_job_of_two_tasks_is_one_training_that_resumes(slurm, tmp_path):
    (job,) = submit_training([*TRAINING, told_at(10, "SIGTERM", "SIGUSR2")])  # the order of a preemption
    assert job.job_id == "1234"
    assert start(slurm).wait(600) != 0
    assert (slurm / "scontrol.txt").read_text() == "requeue 1234\n", "once"
    assert not list(tmp_path.glob("runs/lntl/*/results.json"))
    assert content(toy.only_run(tmp_path))["global_step"] == 11, "both ended and saved the batch"
    assert start(slurm).wait(600) == 0, job.stdout()
    assert "going on from" in job.stdout()
    assert job.exception() is None
    (done,) = tmp_path.glob("runs/lntl/*/results.json")
    assert len(list(tmp_path.glob("runs/lntl/*"))) == 2, "a folder for each start, none of the second process"
    assert toy.environment(done.parent)["processes"] == 2
    assert content(done.parent)["global_step"] == 6 * 3  # 96 images, 2 processes, batches of 16


def test_what_sbatch_refuses_is_one_line(slurm):
    (slurm / "refuse").touch()
    with pytest.raises(UsageError, match="sbatch refused: .*invalid partition specified: gpu") as refused:
        submit_training(TRAINING)
    assert "\n" not in str(refused.value)


def test_an_array_says_where_each_seed_logs(slurm, tmp_path, capsys):
    jobs = submit_training([*TRAINING, "--seeds=[3,5]"])
    (folder,) = (tmp_path / "runs" / "submitted" / "lntl").iterdir()
    assert [job.job_id for job in jobs] == ["1234_0", "1234_1"]
    assert capsys.readouterr().out.splitlines() == [
        f"job 1234_0, seed 3: tail -f {folder}/1234_0_0_log.out",
        f"job 1234_1, seed 5: tail -f {folder}/1234_1_0_log.out",
        f"logs: {folder}",
        "to look: squeue --jobs 1234; to end: scancel 1234",
    ]
    options = set(yaml.safe_load((folder / "train.yaml").read_text()))
    assert options == {
        "experiment", "seed_everything", "ckpt_path", "resume", "data", "model", "trainer", "checkpoint",
    }, "the training's, and none of the submission"  # fmt: skip
    arguments = [submitted.submission().function.arguments for submitted in jobs]
    assert arguments == [
        ["--config", f"{folder}/train.yaml", f"--seed_everything={seed}", "--resume=auto"] for seed in (3, 5)
    ]
