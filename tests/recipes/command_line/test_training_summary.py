import shlex
from pathlib import Path

import pytest
import yaml

from callbacks.run_record import data_config
from datamodules.tables.embedding_file import read_header
from recipes import embed
from recipes.audit import make_parser
from recipes.command_line.config_lookup import resolve_configs
from recipes.command_line.training_summary import describe_choice, next_commands
from tests.support import toy


@pytest.mark.slow
def test_a_training_ends_with_commands_that_read_the_same_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    backbone = ["--model.init_args.backbone=synthetic_recogniser"]
    toy.run(
        monkeypatch, "--config=lntl.yaml", *backbone, *toy.DATA, *toy.QUIET, "--trainer.max_epochs=1",
        "--trainer.limit_train_batches=1", "--trainer.callbacks=null", "--seed_everything=3",
    )  # fmt: skip
    printed = capsys.readouterr().out
    folder = toy.only_run(Path("runs"))
    listed = [
        line.split()[0] for line in printed.splitlines() if (folder / line.strip().split(" ")[0]).exists()
    ]
    assert {"checkpoints/best.ckpt", "checkpoints/last.ckpt", "config.yaml", "data.yaml"} <= set(listed)
    assert "best.ckpt  of the last validation" in printed
    commands = [shlex.split(line) for line in printed.splitlines() if ".py --config" in line]
    assert [Path(command[1]).name for command in commands] == ["embed.py", "embed.py", "audit.py"]
    assert all(Path(command[1]).is_file() for command in commands)
    for command in commands[:2]:
        embed.main([*command[2:], "--splits=[test]", "--trainer.accelerator=cpu"])
        made = read_header(Path(command[-1]))
        assert toy.environment(folder)["dataset"]["fingerprint"] in made.provenance.values()
    audit = make_parser().parse_args(resolve_configs(commands[2][2:]))
    assert Path(audit.before).is_file()
    assert all(Path(path).is_file() for path in audit.after)
    assert audit.sensitive == ["emotion"]


@pytest.mark.parametrize(
    ("options", "data", "before"),
    [
        ({"backbone": "precomputed"}, {"table": "x.safetensors"}, "x.safetensors"),
        ({"backbone": "resnet18"}, {}, None),
        ({"backbone": "onnx", "weights": "r.onnx"}, {}, "run/x.safetensors"),
    ],
)
def test_what_the_audit_compares_with(options, data, before):
    config = {"model": {"init_args": options}, "data": {"init_args": data}}
    words = shlex.split(next_commands(Path("run"), config)[-1])
    after = words[words.index("--after") + 1] if "--after" in words else None
    assert words[words.index("--before") + 1] == (before or "run/phi.safetensors")
    assert after == (None if before is None else "run/phi.safetensors")
    assert "--sensitive" not in words


def test_the_data_of_a_run_have_its_seed_and_no_training_order():
    config = {
        "seed_everything": 3,
        "data": {"class_path": "a.B", "init_args": {"root": "r", "train_order": {"class_path": "c.D"}}},
    }
    kept = yaml.safe_load(data_config(config))["data"]
    assert kept == {"class_path": "a.B", "init_args": {"root": "r", "seed": 3}}


@pytest.mark.parametrize(
    ("monitor", "mode", "expected"),
    [
        ("val/accuracy", "max", "that of the highest val/accuracy"),
        ("val/loss", "min", "that of the lowest val/loss"),
        (
            "epoch",
            "max",
            "of the last validation: no validation metric chose it (checkpoint.monitor is epoch)",
        ),
    ],
)
def test_how_the_best_checkpoint_was_chosen(monitor, mode, expected):
    assert describe_choice(monitor, mode) == expected
