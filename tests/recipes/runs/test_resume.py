"""Training that goes on from a checkpoint ends as if it had never been interrupted, bit for bit."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.support import toy
from tests.support.methods import METHODS
from tests.support.small_trainings import SMALL, STEP_LR, differences

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of folders that exist, and toy lengths

PLATEAU = (  # a threshold that no loss reaches: halved at every validation but the first
    '--model.init_args.scheduler={"class_path": "torch.optim.lr_scheduler.ReduceLROnPlateau", '
    '"init_args": {"patience": 0, "factor": 0.5, "threshold": 1000000, "threshold_mode": "abs"}}'
)
ON_PLATEAU = [name for name, method in METHODS.items() if STEP_LR in method.arguments]


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Runs the command line, and returns what the last checkpoint holds."""
    monkeypatch.chdir(tmp_path)

    def run(experiment: str, *arguments: str) -> dict[str, Any]:
        toy.run(monkeypatch, *arguments, f"--experiment={experiment}")
        path = toy.only_run(Path("runs") / experiment) / "checkpoints" / "last.ckpt"
        checkpoint = torch.load(path, weights_only=True)
        kept = ("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers", "loops")
        random = checkpoint["callbacks"]["RandomState"]
        return {"random": random, **{name: checkpoint[name] for name in kept}}

    return run


def keep(**arguments: Any) -> str:
    """The option that keeps every checkpoint that is taken so, in the folder `kept`."""
    arguments |= {"dirpath": "kept", "save_top_k": -1, "enable_version_counter": False}
    made = {"class_path": "pytorch_lightning.callbacks.ModelCheckpoint", "init_args": arguments}
    return "--trainer.callbacks=" + yaml.safe_dump([made], default_flow_style=True, width=1000).strip()


EVERY_3 = keep(filename="{step}", every_n_train_steps=3)
EPOCHS = keep(filename="{epoch}", monitor="step", mode="max")


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_going_on_in_the_middle_of_an_epoch(method, train):
    options = [*METHODS[method].command, *SMALL]
    whole = train("whole", *options, EVERY_3)
    assert whole["global_step"] == (12 if method == "sensitivenets" else 18)
    rest = train("rest", *options, EVERY_3, "--ckpt_path=kept/step=9.ckpt")
    assert not differences(whole, rest)
    if method == "sensitivenets":
        assert rest["state_dict"]["steps"] == 12


@pytest.mark.slow
@pytest.mark.parametrize("method", ["face_recognition", "lntl", "sensitivenets"])
def test_going_on_at_the_end_of_an_epoch(method, train):
    options = [*METHODS[method].command, *SMALL, EPOCHS]
    whole = train("whole", *options)
    assert not differences(whole, train("rest", *options, "--ckpt_path=kept/epoch=0.ckpt"))


@pytest.mark.slow
def test_a_checkpoint_of_an_epochs_end_has_the_schedules_step(train):
    options = [*METHODS["lntl"].command, *SMALL, EVERY_3]
    whole, rest = train("whole", *options), train("rest", *options, "--ckpt_path=kept/step=12.ckpt")
    del whole["loops"], rest["loops"]  # Lightning leaves out the validation that was to come, and counts so
    assert not differences(whole, rest)


@pytest.mark.slow
def test_loader_processes_start_with_the_epoch_that_goes_on(train):
    options = [*METHODS["baseline"].command, *SMALL, EPOCHS, "--data.init_args.num_workers=1"]
    whole = train("whole", *options)
    assert not differences(whole, train("rest", *options, "--ckpt_path=kept/epoch=0.ckpt"))


@pytest.mark.slow
@pytest.mark.parametrize(("keeps", "checkpoint"), [(EVERY_3, "step=9"), (EPOCHS, "epoch=0")])
def test_going_on_up_to_a_number_of_steps(keeps, checkpoint, train):
    steps = ["--trainer.max_epochs=-1", "--trainer.max_steps=15"]
    options = [*METHODS["lntl"].command, *SMALL, *steps, keeps]
    whole = train("whole", *options)
    rest = train("rest", *options, f"--ckpt_path=kept/{checkpoint}.ckpt")
    del whole["loops"], rest["loops"]  # Lightning counts an epoch twice that it goes on at the end of
    assert not differences(whole, rest)


@pytest.mark.slow
@pytest.mark.parametrize("method", ON_PLATEAU)
def test_a_schedule_after_validation_is_stepped_and_resumes(method, train):
    options = [PLATEAU if option == STEP_LR else option for option in METHODS[method].command]
    options += [*SMALL, EPOCHS]
    whole = train("whole", *options)
    for schedule, optimizer in zip(whole["lr_schedulers"], whole["optimizer_states"], strict=True):
        assert schedule["last_epoch"] == 3, "once a validation, the sanity check left out"
        (rate,) = {group["lr"] for group in optimizer["param_groups"]}
        assert rate == pytest.approx(schedule["_last_lr"][0])
        assert schedule["num_bad_epochs"] == 0
    start = torch.load("kept/epoch=1.ckpt", weights_only=True)["lr_schedulers"][0]
    assert start["_last_lr"][0] == 2 * whole["lr_schedulers"][0]["_last_lr"][0]
    assert not differences(whole, train("rest", *options, "--ckpt_path=kept/epoch=1.ckpt"))


MONITOR = (
    '--model.init_args.scheduler={"class_path": "pytorch_lightning.cli.ReduceLROnPlateau", '
    '"init_args": {"monitor": "METRIC", "mode": "max", "patience": 0}}'
)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["baseline", "laftr"])
def test_a_schedule_follows_the_metric_that_it_names(method, train, capsys):
    options = [option for option in METHODS[method].command if option != STEP_LR]
    options += [*SMALL, "--trainer.max_epochs=1", "--trainer.limit_train_batches=1"]
    kept = train("one", *options, MONITOR.replace("METRIC", "val/accuracy"))
    assert 0 < kept["lr_schedulers"][0]["best"] <= 1
    with pytest.raises(SystemExit) as stop:
        train("two", *options, MONITOR.replace("METRIC", "val/acuracy"))
    assert stop.value.code == 2
    error = capsys.readouterr().err
    message = error[error.index("error: ") :]
    assert "ReduceLROnPlateau monitors 'val/acuracy'" in message
    assert message.count("\n") == 1
    assert "val/accuracy" in message
