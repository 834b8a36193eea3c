"""The real entry point: every shipped configuration, the run folder, repeatability, clear errors."""

import importlib
import json
import os
from pathlib import Path

import pytest
import torch
import wandb
import yaml
from jsonargparse import ArgumentParser

from recipes.command_line.config_lookup import CONFIGS
from tests.support import toy
from tests.support.marks import slow_but
from tests.support.wandb_offline import history

METHODS = sorted(p.name for p in CONFIGS.glob("*.yaml") if "class_path: lightning_modules." in p.read_text())
HARDWARE = sorted(f"hardware/{p.name}" for p in CONFIGS.glob("hardware/*.yaml") if p.stem != "slurm")
DATASETS = sorted(f"data/{p.name}" for p in CONFIGS.glob("data/*.yaml"))
TASKS = {
    "celeba": "smiling",
    "cfee": "emotion",
    "colored_mnist": "digit",
    "diveface": "ethnicity",
    "embeddings": "gender",
    "fer2013": "emotion",
    "lfw": "gender",
    "manifest": "emotion",
    "posed_expressions": "emotion",
    "synthetic_faces": "emotion",
    "utkface": "gender",
}
TRAINED_ALONE = [name for name in DATASETS if name != "data/two_streams.yaml"]  # has a test of its own
SAMPLES = sorted(f"sample/{p.name}" for p in CONFIGS.glob("sample/*.yaml"))


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


@pytest.mark.parametrize("name", slow_but("lntl.yaml", METHODS))
def test_every_method_config_trains_and_tests(name, runs, monkeypatch):
    toy.run(
        monkeypatch, "--config", name, *toy.BACKBONE, *toy.DATA, *toy.QUIET, "--trainer.max_epochs=1",
        "--trainer.limit_train_batches=2",
    )  # fmt: skip
    folder = toy.only_run(runs)
    assert {p.name for p in (folder / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    logged = set().union(*({k for k, v in row.items() if v} for row in toy.metrics(folder)))
    assert "train/loss" in logged
    monitor = yaml.safe_load((folder / "config.yaml").read_text())["checkpoint"]["monitor"]
    assert {monitor, monitor.replace("val/", "test/")} <= logged


@pytest.mark.parametrize("name", slow_but("hardware/ddp.yaml", HARDWARE))
def test_every_hardware_config_is_accepted(name, runs, monkeypatch):
    toy.run(
        monkeypatch, "--config", "baseline.yaml", "--config", name, *toy.BACKBONE, *toy.DATA, *toy.QUIET,
        "--trainer.devices=1", "--trainer.num_nodes=1", "--trainer.fast_dev_run=true",
    )  # fmt: skip
    assert not runs.exists(), "a development run leaves nothing behind"


@pytest.mark.slow
def test_two_players_train_with_the_hardware_configs_strategy(runs, monkeypatch):
    toy.run(
        monkeypatch, "--config", "lntl.yaml", "--config", "hardware/ddp.yaml", *toy.BACKBONE, *toy.DATA,
        *toy.QUIET, "--trainer.devices=1", "--trainer.precision=32-true", "--trainer.callbacks=null",
        "--trainer.fast_dev_run=true",
    )  # fmt: skip


@pytest.mark.parametrize("dataset", slow_but("data/celeba.yaml", TRAINED_ALONE))
def test_every_data_config_trains(dataset, runs, monkeypatch, dataset_tree):
    name = Path(dataset).stem
    where = "table" if name == "embeddings" else "root"
    arguments = [f"--data.init_args.{where}={dataset_tree(name)}", "--data.init_args.batch_size=4"]
    backbone = toy.BACKBONE
    if name == "synthetic_faces":
        arguments = toy.DATA
    if name == "embeddings":
        backbone = [
            "--model.init_args.backbone=precomputed",
            "--model.init_args.backbone_options.num_features=32",
        ]
    toy.run(
        monkeypatch, "--config", "baseline.yaml", "--config", dataset, *arguments, *backbone, *toy.QUIET,
        f"--model.init_args.task={TASKS[name]}", "--trainer.fast_dev_run=true",
    )  # fmt: skip


def _set_by(*names: str) -> set[str]:
    """The options of the data that configuration files set."""
    files = [yaml.safe_load((CONFIGS / name).read_text()) for name in names]
    return set().union(*(file.get("data", {}).get("init_args", {}) for file in files))


@pytest.mark.parametrize("dataset", slow_but("data/celeba.yaml", DATASETS))
def test_a_dataset_takes_no_option_over_from_the_default_one(dataset, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        toy.run(monkeypatch, "--config", "baseline.yaml", "--config", dataset, "--print_config")
    data = yaml.safe_load(capsys.readouterr().out)["data"]
    module, name = data["class_path"].rsplit(".", 1)
    parser = ArgumentParser(parser_mode="omegaconf")
    parser.add_class_arguments(getattr(importlib.import_module(module), name), "data")
    defaults = parser.get_defaults().data
    chosen = _set_by("defaults.yaml", "baseline.yaml", dataset)
    for option, value in data["init_args"].items():
        default = defaults[option]
        plain = default.as_dict() if hasattr(default, "as_dict") else default
        assert option in chosen or value == (list(plain) if isinstance(plain, tuple) else plain), option


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_config_trains(sample, runs, monkeypatch, celeba_tree):
    toy.run(
        monkeypatch, "--config", "attractiveness.yaml", "--config", "data/celeba.yaml", "--config", sample,
        f"--data.init_args.root={celeba_tree}", "--data.init_args.batch_size=4", *toy.BACKBONE,
        *toy.QUIET, "--trainer.fast_dev_run=true",
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "sample", ["{share: 0.7}", "{attribute: gender, shares: {male: 0.7, female: 0.3}, n: 20}"]
)
def test_either_kind_of_sample_trains_and_can_be_repeated(sample, runs, monkeypatch, celeba_tree):
    Path("sample.yaml").write_text(
        f"data: {{init_args: {{train_sample: {sample}, train_order: "
        "{class_path: datamodules.train_orders.MixedOrder, init_args: {attributes: [gender]}}}}"
    )
    toy.run(
        monkeypatch, "--config", "baseline.yaml", "--config", "data/celeba.yaml", "--config", "sample.yaml",
        "--model.init_args.task=smiling", f"--data.init_args.root={celeba_tree}", "--trainer.max_epochs=1",
        "--data.init_args.batch_size=4", *toy.BACKBONE, *toy.QUIET, "--experiment=first",
    )  # fmt: skip
    first = toy.only_run(runs / "first")
    toy.run(monkeypatch, "--config", str(first / "config.yaml"), "--experiment=again")
    again = toy.only_run(runs / "again")
    assert (first / "metrics.csv").read_bytes() == (again / "metrics.csv").read_bytes()


def test_the_run_folder_tells_everything_about_the_run(runs, monkeypatch):
    toy.run(
        monkeypatch, "--config", "attractiveness.yaml", *toy.BACKBONE, *toy.DATA, *toy.QUIET,
        "--trainer.max_epochs=2", "--experiment=named",
    )  # fmt: skip
    folder = toy.only_run(runs)
    assert folder.parent == runs / "named"
    record = toy.environment(folder)
    assert record["packages"]["torch"] == torch.__version__.split("+")[0] or torch.__version__
    assert len(record["dataset"]["fingerprint"]) == 64
    assert record["dataset"]["class"] == "SyntheticFaces"
    samples = json.loads((folder / "training_samples.json").read_text())["samples"]
    assert len(set(samples)) == 24 * 6
    assert samples[0].startswith("train/")
    assert {"figures", "checkpoints", "metrics.csv", "config.yaml"} <= {p.name for p in folder.iterdir()}
    assert list((folder / "figures").glob("*.png"))
    last = toy.metrics(folder)[-1]
    assert 0 <= float(last["test/tpr/smiling=yes"]) <= 1


@pytest.mark.slow
def test_wandb_gets_the_metrics_the_table_the_chart_and_no_face(runs, monkeypatch):
    quiet = [option for option in toy.QUIET if "logger" not in option]
    toy.run(
        monkeypatch, "--config", "attractiveness.yaml", *toy.BACKBONE, *toy.DATA, *quiet,
        "--trainer.max_epochs=1",
    )  # fmt: skip
    wandb.finish()  # writes what is left
    folder = toy.only_run(runs)
    logged = history(folder)
    assert {"val/tpr/smiling=yes", "test/tpr_gap", "test/accuracy"} <= logged.keys()
    assert logged["test/group_rates/_type"] == "table-file"
    images = {p.name.rsplit("_", 2)[0] for p in folder.glob("wandb/**/*.png")}
    assert images == {"group_fairness"}, "plots and nothing else"


@pytest.mark.slow
def test_the_same_seed_or_saved_config_repeats_the_metrics(runs, monkeypatch):
    arguments = ["--config", "attractiveness.yaml", *toy.BACKBONE, *toy.DATA, *toy.QUIET]
    arguments += ["--trainer.max_epochs=2", "--model.init_args.trainable=all"]
    toy.run(monkeypatch, *arguments, "--experiment=first")
    first = toy.only_run(runs / "first")
    toy.run(monkeypatch, "--config", str(first / "config.yaml"), "--experiment=again")
    toy.run(monkeypatch, *arguments, "--experiment=other", "--seed_everything=1")
    again, other = toy.only_run(runs / "again"), toy.only_run(runs / "other")
    assert (first / "metrics.csv").read_bytes() == (again / "metrics.csv").read_bytes()
    assert (first / "metrics.csv").read_bytes() != (other / "metrics.csv").read_bytes()
    same = [yaml.safe_load((f / "config.yaml").read_text()) for f in (first, again)]
    assert {k: v for k, v in same[0].items() if k != "experiment"} == {
        k: v for k, v in same[1].items() if k != "experiment"
    }


@pytest.mark.slow
def test_training_goes_on_from_a_checkpoint(runs, monkeypatch):
    arguments = ["--config", "baseline.yaml", *toy.BACKBONE, *toy.DATA, *toy.QUIET]
    toy.run(monkeypatch, *arguments, "--trainer.max_epochs=3", "--experiment=whole")
    toy.run(monkeypatch, *arguments, "--trainer.max_epochs=1", "--experiment=part")
    last = toy.only_run(runs / "part") / "checkpoints" / "last.ckpt"
    toy.run(monkeypatch, *arguments, "--trainer.max_epochs=3", "--experiment=rest", f"--ckpt_path={last}")
    weights = [
        torch.load(toy.only_run(runs / name) / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("whole", "rest")
    ]
    assert all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])


@pytest.mark.slow
def test_a_resumed_training_sees_the_same_augmentations(runs, celeba_tree, monkeypatch):
    """Two epochs and two more have the losses of four: nothing counts readings in memory."""
    arguments = ["--config", "attractiveness.yaml", "--config", "data/celeba.yaml", *toy.BACKBONE, *toy.QUIET]
    arguments += [f"--data.init_args.root={celeba_tree}", "--data.init_args.augment=true"]
    arguments += ["--data.init_args.size=32", "--data.init_args.batch_size=16", "--checkpoint.monitor=epoch"]
    arguments += ["--data.init_args.train_sample=null", "--data.init_args.val_sample=null"]
    arguments += ["--data.init_args.test_sample=null"]

    def losses(name: str, epochs: int, *more: str) -> list[float]:
        toy.run(monkeypatch, *arguments, f"--experiment={name}", f"--trainer.max_epochs={epochs}", *more)
        rows = toy.metrics(toy.only_run(runs / name))
        return [float(row["train/loss"]) for row in rows if row["train/loss"]]

    whole, _ = losses("whole", 4), losses("part", 2)
    last = toy.only_run(runs / "part") / "checkpoints" / "last.ckpt"
    assert len(whole) == 4
    assert losses("rest", 4, f"--ckpt_path={last}") == whole[2:]


def test_later_configs_win_and_dotted_options_win_over_all(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.yaml").write_text("trainer: {max_epochs: 7, min_epochs: 2}")
    (tmp_path / "b.yaml").write_text("trainer: {max_epochs: 8}")
    with pytest.raises(SystemExit) as stop:
        toy.run(
            monkeypatch, "--config", "baseline.yaml", "--config", str(tmp_path / "a.yaml"),
            "--config", str(tmp_path / "b.yaml"), "--data.init_args.size=48", "--print_config",
        )  # fmt: skip
    assert stop.value.code == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert (printed["trainer"]["max_epochs"], printed["trainer"]["min_epochs"]) == (8, 2)
    assert printed["data"]["init_args"]["size"] == 48


GROUP_AUC = "[{class_path: callbacks.group_auc.GroupAUC, init_args: {groups: [smiling]}}]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "kept", "told"),
    [("callbacks+", ["GroupFairness", "GroupAUC"], False), ("callbacks", ["GroupAUC"], True)],
)
def test_callbacks_of_a_second_file_add_only_with_a_plus(key, kept, told, runs, monkeypatch, recwarn):
    Path("more.yaml").write_text(f"trainer: {{'{key}': {GROUP_AUC}}}")
    toy.run(
        monkeypatch, "--config", "attractiveness.yaml", "--config", "more.yaml", *toy.BACKBONE, *toy.DATA,
        *toy.QUIET, "--trainer.max_epochs=1",
    )  # fmt: skip
    folder = toy.only_run(runs)
    ran = yaml.safe_load((folder / "config.yaml").read_text())["trainer"]["callbacks"]
    assert [one["class_path"].rpartition(".")[2] for one in ran] == kept
    last = toy.metrics(folder)[-1]
    assert "test/auc" in last
    assert ("test/tpr_gap" in last) == ("GroupFairness" in kept)
    warned = [str(w.message) for w in recwarn if "trainer.callbacks replace" in str(w.message)]
    assert len(warned) == told
    assert all("there is no GroupFairness; write `callbacks+:`" in text for text in warned)


@pytest.mark.parametrize(
    ("option", "expected"),
    [("--model.help", "LNTLVariant      lntl.yaml"), ("--data.help", "CelebA           data/celeba.yaml")],
)
def test_help_without_a_class_lists_them(option, expected, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        toy.run(monkeypatch, option)
    assert stop.value.code == 0
    assert expected in capsys.readouterr().out


def test_a_method_goes_by_its_bare_name(monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        toy.run(monkeypatch, "--model.help", "LNTL")
    assert stop.value.code == 0
    assert "lambda_" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        toy.run(
            monkeypatch, "--model", "LNTL", "--model.init_args.sensitive=emotion,smiling", "--print_config"
        )
    model = yaml.safe_load(capsys.readouterr().out)["model"]
    assert model["class_path"] == "lightning_modules.lntl.LNTL"
    assert model["init_args"]["sensitive"] == ["emotion", "smiling"]


def test_help_names_the_main_options(monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        toy.run(monkeypatch, "--help")
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert all(option in text for option in ("--config", "--print_config", "--trainer.max_epochs", "--model"))


class Hostile:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch executed",)


SGD = ["--model.init_args.optimizer=torch.optim.SGD"]
WRONG = {
    "unknown config": (["--config", "basline.yaml"], "did you mean baseline.yaml"),
    "unknown key": (
        ["--config", "baseline.yaml", "--trainer.max_epoch=3"],
        "did you mean --trainer.max_epochs?",
    ),
    "unknown key in a file": (
        ["--config", "baseline.yaml", "--config", "wrong.yaml"],
        "did you mean max_epochs?",
    ),
    "unknown key of a method": (
        ["--config", "lntl.yaml", "--model.init_args.lambda=3"],
        "did you mean lambda_?",
    ),
    "unknown method for help": (["--model.help", "LNLT"], "did you mean LNTL?"),
    "attribute in another case": (
        ["--config", "baseline.yaml", "--model.init_args.task=Gender"],
        "did you mean gender?",
    ),
    "unknown model key": (["--config", "baseline.yaml", "--model.init_args.tsk=x"], "tsk"),
    "unknown data key": (["--config", "baseline.yaml", "--data.init_args.sise=3"], "sise"),
    "wrong type": (["--config", "baseline.yaml", "--trainer.max_epochs=abc"], "max_epochs"),
    "wrong model type": (["--config", "baseline.yaml", "--model.init_args.hidden=many"], "hidden"),
    "unknown class": (["--config", "baseline.yaml", "--model=Basline"], "did you mean Baseline?"),
    "unknown task": (["--config", "baseline.yaml", "--model.init_args.task=agee"], "agee"),
    "group that the data lack": (
        ["--config", "attractiveness.yaml", "--trainer.callbacks.groups=[[smilling]]"],
        "did you mean 'smiling'",
    ),
    "no such dataset folder": (
        ["--config", "attractiveness.yaml", "--config", "data/celeba.yaml", "--data.init_args.root=nowhere"],
        "nowhere",
    ),
    "no such checkpoint": (
        ["--config", "baseline.yaml", "--ckpt_path=nowhere.ckpt"],
        "no checkpoint nowhere",
    ),
    "nothing to choose by": (
        ["--config", "baseline.yaml", "--checkpoint.monitor=null"],
        "checkpoint.monitor: name a metric",
    ),
    "half a checkpoint": (["--config", "baseline.yaml", "--ckpt_path=half.ckpt"], "can be read safely"),
    "hostile checkpoint": (["--config", "baseline.yaml", "--ckpt_path=hostile.ckpt"], "can be read safely"),
    "unknown metric": (
        [
            "--config",
            "baseline.yaml",
            *toy.DATA,
            "--trainer.max_epochs=1",
            "--checkpoint.monitor=val/acuracy",
        ],
        "val/acuracy",
    ),
    "no epoch": (["--config", "baseline.yaml", "--trainer.max_epochs=0"], "trainer.max_epochs: with 0"),
    "no step": (["--config", "baseline.yaml", "--trainer.max_steps=0"], "trainer.max_steps: with 0"),
    "no batch": (
        ["--config", "baseline.yaml", "--trainer.limit_train_batches=0"],
        "limit_train_batches: with",
    ),
    "no test": (
        ["--config", "baseline.yaml", "--trainer.limit_test_batches=0.0"],
        "limit_test_batches: with",
    ),
    "no accumulation": (["--config", "baseline.yaml", "--trainer.accumulate_grad_batches=0"], "accumulate"),
    "none kept": (["--config", "baseline.yaml", "--checkpoint.save_top_k=0"], "no checkpoint is kept"),
    "no validation": (
        [
            "--config",
            "baseline.yaml",
            *toy.DATA,
            "--trainer.max_epochs=1",
            "--trainer.limit_val_batches=0",
            "--trainer.limit_train_batches=1",
            "--trainer.callbacks=null",
        ],
        "val/accuracy, by which they are chosen, was not measured",
    ),
    "16-true": (["--config", "baseline.yaml", "--trainer.precision=16-true"], "use 16-mixed or 32-true"),
    "bf16-true": (["--config", "lntl.yaml", "--trainer.precision=bf16-true"], "use bf16-mixed or 32-true"),
    "learning rate": (
        ["--config", "baseline.yaml", *SGD, "--model.init_args.optimizer.init_args.lr=-1"],
        "model.init_args.optimizer: Invalid learning rate: -1",
    ),
    "weight decay": (
        ["--config", "baseline.yaml", *SGD, "--model.init_args.optimizer.init_args.weight_decay=-1"],
        "Invalid weight_decay",
    ),
    "adversary's": (
        [
            "--config",
            "lntl.yaml",
            "--model.init_args.adversary_optimizer=torch.optim.SGD",
            "--model.init_args.adversary_optimizer.init_args.lr=-2",
        ],
        "model.init_args.adversary_optimizer: Invalid learning rate: -2",
    ),
    "schedule": (
        [
            "--config",
            "baseline.yaml",
            "--model.init_args.scheduler=torch.optim.lr_scheduler.LinearLR",
            "--model.init_args.scheduler.init_args.start_factor=0",
        ],
        "model.init_args.scheduler: Starting multiplicative factor",
    ),
    "negative seed": (["--config", "baseline.yaml", "--seed_everything=-5"], "seed_everything: -5 is not"),
    "large seed": (["--config", "baseline.yaml", "--seed_everything=4294967296"], "from 0 to 4294967295"),
    "no interval": (["--config", "baseline.yaml", "--trainer.val_check_interval=0"], "val_check_interval: 0"),
    "negative interval": (
        ["--config", "baseline.yaml", "--trainer.val_check_interval=-1"],
        "val_check_interval: -1 is to be above 0",
    ),
    "interval above the epoch": (
        ["--config", "baseline.yaml", *toy.DATA, "--trainer.val_check_interval=1000"],
        "`val_check_interval` (1000) must be less than or equal to the number of the training batches (9)",
    ),
    "negative clipping": (
        ["--config", "baseline.yaml", "--trainer.gradient_clip_val=-1"],
        "trainer.gradient_clip_val: -1 cannot be negative",
    ),
    "clipping that turns gradients round": (
        ["--config", "lntl.yaml", "--model.init_args.gradient_clip_val=-1"],
        "gradient_clip_val: -1.0 is to be above 0",
    ),
    "batch of nothing": (["--config", "baseline.yaml", "--data.init_args.batch_size=0"], "batch_size is 1"),
    "fewer than no workers": (
        ["--config", "baseline.yaml", "--data.init_args.num_workers=-1"],
        "num_workers",
    ),
    "weights alone": (["--config", "baseline.yaml", "--ckpt_path=whole.ckpt"], "holds weights alone"),
    "classes of others": (
        ["--config", "baseline.yaml", "--ckpt_path=classes.ckpt"],
        "classes.ckpt was trained on the classes (a, b) of emotion, and the data have (neutral, ",
    ),
    "weights of no checkpoint": (
        ["--config", "baseline.yaml", *toy.BACKBONE, "--model.init_args.weights=checkpoint"],
        "which is not given",
    ),
    "recogniser without weights": (
        ["--config", "baseline.yaml", "--model.init_args.backbone=vggface2_resnet50"],
        "vggface2_resnet50 has no weights, and what is frozen of it (trainable: none)",
    ),
    "not yaml": (["--config", "broken.yaml"], "broken.yaml"),
}


def test_an_unusable_checkpoint_leaves_no_run_folder(runs, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        toy.run(
            monkeypatch, "--config", "baseline.yaml", "--ckpt_path=nowhere.ckpt", *toy.QUIET, *toy.BACKBONE
        )
    assert stop.value.code == 2
    assert "no checkpoint nowhere.ckpt" in capsys.readouterr().err
    assert not list(Path().rglob("run.json"))


@pytest.mark.parametrize("case", slow_but([name for name in WRONG if name.startswith("unknown")], WRONG))
def test_a_mistake_is_one_clear_line_and_exit_code_2(case, runs, monkeypatch, capsys):
    Path("broken.yaml").write_text("trainer: [unclosed")
    Path("wrong.yaml").write_text("trainer: {max_epoch: 3}")
    torch.save({"state_dict": {"w": torch.ones(1000)}}, "whole.ckpt")
    Path("half.ckpt").write_bytes(Path("whole.ckpt").read_bytes()[:2000])
    torch.save({"state_dict": Hostile()}, "hostile.ckpt")
    trained = {"hyper_parameters": {"task": "emotion", "attributes": {"emotion": ["a", "b"]}}}
    state = {"state_dict": {}, "optimizer_states": [], "loops": {}}
    torch.save(state | trained, "classes.ckpt")
    arguments, expected = WRONG[case]
    given = {argument.partition("=")[0] for argument in arguments}
    backbone = [] if any(name.endswith((".backbone", ".weights")) for name in given) else toy.BACKBONE
    with pytest.raises(SystemExit) as stop:
        toy.run(monkeypatch, *arguments, *toy.QUIET, *backbone)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    message = error[error.index("error: ") :]
    assert expected in message
    if case != "no such dataset folder":  # that one shows the expected tree
        assert message.count("\n") == 1, message
    assert "Traceback" not in error
    assert not Path("executed").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a GPU where there is none")
@pytest.mark.parametrize("hardware", ["hardware/gpu.yaml", "hardware/ddp.yaml"])
def test_hardware_that_is_not_there_is_one_clear_line(hardware, runs, monkeypatch, capsys):
    quiet = [option for option in toy.QUIET if "accelerator" not in option]
    with pytest.raises(SystemExit) as stop:
        toy.run(
            monkeypatch, "--config", "baseline.yaml", "--config", hardware, *toy.BACKBONE,
            *toy.DATA, *quiet,
        )  # fmt: skip
    assert stop.value.code == 2
    error = capsys.readouterr().err
    message = error[error.index("error: ") :]
    assert "add --config hardware/cpu.yaml" in message
    assert message.count("\n") == 1
    assert not runs.exists(), "a run that cannot start leaves no folder"


def test_a_trainer_that_cannot_be_built_leaves_no_run_folder(runs, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        toy.run(
            monkeypatch, "--config", "baseline.yaml", *toy.BACKBONE, *toy.DATA, *toy.QUIET,
            "--trainer.limit_train_batches=-3",
        )  # fmt: skip
    assert stop.value.code == 2
    assert not list(runs.glob("*/*"))
