"""Submitting: what a job trains is what the command would train, also where it is ended and comes again."""

import os
import sys
from pathlib import Path

import pytest
import yaml

from recipes import submit
from recipes.command_line.errors import report_errors
from tests.support import toy
from tests.support.methods import METHODS
from tests.support.played_slurm import ROOT, told_at
from tests.support.small_trainings import SMALL, content, differences
from tests.support.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of toy lengths

TRAINING = [*METHODS["lntl_variant"].command, *SMALL, "--trainer.max_epochs=6"]  # 36 batches


def submit_here(folder: Path, *options: str) -> list:
    """Submit toy trainings to the local executor, from a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return submit.submit_training([*TRAINING, "--cluster=local", *options])
    finally:
        os.chdir(before)


@pytest.fixture(scope="module", autouse=True)
def jobs_find_the_tests():
    """The callback that they name is one of these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        yield


@pytest.fixture(scope="module")
def array(tmp_path_factory) -> dict[int, Path]:
    """The run folders of an array over two seeds, by seed."""
    folder = tmp_path_factory.mktemp("array")
    jobs = submit_here(folder, "--seeds=[0,1]")
    wait_until(lambda: all(job.done() for job in jobs))
    assert [job.exception() for job in jobs] == [None, None], jobs[0].stdout()
    runs = [file.parent for file in folder.glob("runs/lntl/*/results.json")]
    return {yaml.safe_load((run / "config.yaml").read_text())["seed_everything"]: run for run in runs}


@pytest.mark.slow
def test_an_array_trains_each_seed_to_the_end(array):
    assert set(array) == {0, 1}
    weights = [content(array[seed])["state_dict"] for seed in (0, 1)]
    assert differences(*weights), "another seed, another training"
    assert [content(array[seed])["global_step"] for seed in (0, 1)] == [36, 36]


@pytest.mark.slow
def test_what_a_job_trained_the_command_need_not_train_again(array, monkeypatch, capsys):
    monkeypatch.chdir(array[1].parents[2])
    toy.run(monkeypatch, *TRAINING, "--seed_everything=1", "--resume=auto")
    assert f"finished before: runs/lntl/{array[1].name}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_job_that_runs_out_of_time_resumes_to_the_same_end(array, tmp_path):
    (job,) = submit_here(tmp_path, told_at(20, "SIGUSR2"))
    wait_until(job.done)
    log = job.stdout()
    assert job.exception() is None, log
    assert "Requeued job" in log
    first, second = sorted(tmp_path.glob("runs/lntl/*"))
    assert content(first)["global_step"] == 21, "the batch in which the signal came was ended and saved"
    assert not (first / "results.json").exists()
    for name in ("last", "best"):
        assert not differences(content(array[0], name), content(second, name))
    assert (second / "results.json").read_text() == (array[0] / "results.json").read_text()


TWO_NODES = [
    "--config",
    "lntl.yaml",
    "--config",
    "hardware/ddp_2nodes.yaml",
    "--config",
    "hardware/slurm.yaml",
]


def command(monkeypatch, *options: str) -> None:
    """`python recipes/submit.py OPTIONS` in this process."""
    monkeypatch.setattr(sys, "argv", ["submit.py", *options])
    report_errors(submit.main)


def test_a_dry_run_prints_the_script_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command(
        monkeypatch, *TWO_NODES, "--seeds=[0,1,2]", "--dry_run=true", "--slurm.partition=gpu",
        "--slurm.hours=1.5", "--slurm.gpu_type=a100", "--slurm.parallel=2", "--slurm.mem_gb=64",
        '--slurm.setup=["module load cuda"]', "--slurm.sbatch={mail-type: END, exclusive: true}",
    )  # fmt: skip
    text = capsys.readouterr().out
    flags = {line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH")}
    assert flags >= {
        "array=0-2%2", "nodes=2", "ntasks-per-node=8", "gpus-per-node=a100:8", "cpus-per-task=8",
        "mem=64GB", "partition=gpu", "time=90", "signal=USR2@120", "requeue", "mail-type=END", "exclusive",
        "job-name=lntl",
    }  # fmt: skip
    assert text.index("module load cuda") < text.index("srun ") < text.index("submitit.core._submit")
    assert "--kill-on-bad-exit=1" in text
    assert not list(tmp_path.iterdir())


def test_one_job_on_processors_is_no_array_and_has_no_gpu(monkeypatch, capsys):
    command(monkeypatch, "--config=lntl.yaml", "--trainer.accelerator=cpu", "--dry_run=true")
    text = capsys.readouterr().out
    assert "--array" not in text
    assert "gpus" not in text
    assert "#SBATCH --ntasks-per-node=1\n" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model.init_args.lambd=1"], "Option 'lambd' is not accepted"),
        (["--slurm.hors=3"], "slurm.hors"),
        (["--slurm.hours=0"], "v>0"),
        (["--slurm.hours=0.02"], "120 seconds are more than"),
        (["--slurm.sbatch={gres: gpu:2}"], "gres follows from another option"),
        (["--slurm.sbatch={ntasks_per_node: 2}"], "ntasks-per-node follows"),
        (["--trainer.devices=-1"], "a cluster has to be told how many: add --trainer.devices 4"),
        (["--trainer.devices=auto"], "trainer.devices is auto"),
        (["--seeds=[]"], "name at least one"),
        (["--seeds=[1,1]"], "each once"),
        (["--seed_everything=true"], "give a number"),
        (["--ckpt_path=mine.ckpt"], "leave ckpt_path out"),
        (["--cluster=local", "--trainer.devices=2"], "add --trainer.num_nodes 1 --trainer.devices 1"),
        (["--cluster=slrm"], "slrm"),
        ([], "there is no SLURM here"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_submitted(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # wherever this runs, there is no srun
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, "--config=lntl.yaml", *options)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_help_has_the_options_of_both(monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, "--help")
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert all(x in printed for x in ("--slurm.hours", "--seeds", "--dry_run", "--trainer.devices", "array"))
