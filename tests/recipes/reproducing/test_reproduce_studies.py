"""The studies that audits answer, through the command, at toy size and in this process."""

import contextlib
import importlib
import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from recipes import reproduce
from recipes.command_line.config_lookup import CONFIGS
from recipes.reproducing import reproduce_steps

OURS = ("lambda_tradeoff", "bias_dose_response")
STUDIES = ("notebook_verification", *OURS)
SMALL = json.dumps({"channels": [8, 8, 8, 8], "stem_width": 8, "input_size": 32, "act_layer": "leaky_relu"})
FACES = ["--config", "data/synthetic_faces.yaml", "--data.init_args.size=32",
         *(f"--data.init_args.{split}_identities=24" for split in ("train", "val", "test")),
         "--data.init_args.images_per_identity=12"]  # fmt: skip
TRAINING = [*FACES, "--model.init_args.backbone=resnet10t", "--model.init_args.weights=random",
            f"--model.init_args.backbone_options={SMALL}",
            "--trainer.limit_train_batches=2", "--trainer.limit_val_batches=1",
            "--trainer.limit_test_batches=1", "--trainer.enable_model_summary=false"]  # fmt: skip
STREAMS = [f"--data.init_args.{name}.init_args.batch_size=16" for name in ("identity", "sensitive")]
DATASETS = {
    "faces": [*FACES, "--data.init_args.seed=5"],
    "expressions": FACES,
    "recogniser": ["--model.backbone", "resnet10t", "--model.weights", "random", "--model.options", SMALL],
    "lntl_training": TRAINING,
    "sn_training": [*STREAMS, "--trainer.max_epochs=2", "--model.init_args.steps_per_round=2",
                    "--model.init_args.classifier_steps=2", "--trainer.limit_test_batches=1"],
    "attackers": ["--folds", "2", "--tune", "false", "--extra", "false"],
    "faces_attributes": ["--sensitive", "gender,ethnicity"],
    "groups": ["--per_group", "20"],
    "biases": ["--biases", "[0.5, 0.7]", "--downstream_draws", "2"],
}  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore")  # of trainings that are too short to learn


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working directory; steps run in this process, which spares the imports, and figures are small."""

    def run(command, *, stdout, **_) -> subprocess.CompletedProcess:
        with monkeypatch.context() as changed, contextlib.redirect_stdout(stdout):
            changed.setattr(sys, "argv", command[1:])
            module = importlib.import_module(f"recipes.{Path(command[1]).stem}")
            module.main(*([] if module.__name__ == "recipes.train" else [command[2:]]))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce_steps, "subprocess", SimpleNamespace(run=run, STDOUT=subprocess.STDOUT))
    return tmp_path


def page_of(here: Path, study: str, steps: dict | None = None) -> str:
    """Return the page of a study of toy faces, as Markdown."""
    (here / "toy.yaml").write_text(
        yaml.safe_dump({"datasets": DATASETS, "steps": steps or {}, "seeds": [3], "deviations": ["A toy."]})
    )
    reproduce.main([f"--config=paper/{study}.yaml", "--config=toy.yaml", "--out=out"])
    return (here / "out" / f"{study}.md").read_text()


def audits(here: Path, step: str) -> tuple[dict[str, pd.DataFrame], dict]:
    """The frames of an audit of the page, and its facts."""
    (path,) = here.glob(f"out/steps/{step}-*/audit/numbers.json")
    numbers = json.loads(path.read_text())
    return {name: pd.DataFrame(frame) for name, frame in numbers["sections"].items()}, numbers["facts"]


def figures(here: Path, study: str) -> int:
    """Drawings on the page."""
    return len(re.findall("<svg ", (here / "out" / f"{study}.html").read_text()))


@pytest.mark.slow
def test_the_notebook_from_four_images_to_the_maps_of_six_groups(here) -> None:
    text = page_of(here, "notebook_verification")
    assert "not measured" not in text
    assert "The cosine is .61" in text
    assert figures(here, "notebook_verification") == 1 + 3 + 3
    ten, facts = audits(here, "audit_ten_people")
    assert facts["tested"].startswith("50 samples of 10 people (10 people drawn at random, 5 of their")
    assert ten["verification"]["genuine"].tolist() == [100, 100]
    assert ten["verification"]["impostor"].tolist() == [1125, 1125]
    assert ten["comparison"]["same"].tolist() == [True, *[False] * 5]
    groups, facts = audits(here, "audit_groups")
    assert facts["tested"].startswith("120 samples")
    counts = groups["tsne"].groupby(["label.gender", "label.ethnicity"]).size()
    assert counts.tolist() == [20] * 6


@pytest.mark.slow
def test_a_trade_off_has_every_method_and_its_front(here) -> None:
    study = yaml.safe_load((CONFIGS / "paper/study/lambda_tradeoff.yaml").read_text())
    step = study["steps"]["audit_faces"]
    left_out = ("middle", "small")  # of each method one weight is trained, which takes the same options
    given, args = iter(step["args"]), []
    for argument in given:
        named = next(given) if argument == "--after" else None
        if named is None or not any(f"_{size}" in named for size in left_out):
            args += [argument] if named is None else [argument, named]
    text = page_of(here, "lambda_tradeoff", {"audit_faces": {**step, "args": args}})
    assert "nothing was published" in text
    assert "Ours was not measured" not in text
    assert figures(here, "lambda_tradeoff") == 2
    frames, _ = audits(here, "audit_faces")
    methods = ["x", "gender alone", "lntl", "dann", "blind_eye", "laftr", "end", "sn", "leace", "inlp"]
    names = frames["verification"]["representation"].unique()
    assert [name.partition("@")[0] for name in names] == methods
    (svg,) = here.glob("out/steps/audit_faces-*/audit/figures/tradeoff_1.svg")
    drawn = svg.read_text()
    assert all(f">{word}<" in drawn for word in (*methods, "Pareto front", "chance", "control (x)", "20"))


@pytest.mark.slow
def test_gaps_are_measured_at_every_bias_with_their_slopes(here) -> None:
    text = page_of(here, "bias_dose_response")
    assert "nothing was published" in text
    assert "Ours was not measured" not in text
    assert figures(here, "bias_dose_response") == 3
    frames, _ = audits(here, "audit_faces")
    doses = frames["dose_response"].query("measure == 'tpr'")
    assert doses.groupby("representation")["bias"].apply(list).to_dict() == dict.fromkeys(
        ["leace", "lntl", "sn", "x"], [0.5, 0.7]
    )
    slopes = frames["dose_slopes"].query("measure == 'tpr'")
    assert sorted(slopes["representation"]) == ["leace", "lntl", "sn", "x"]


@pytest.mark.parametrize("study", OURS)
def test_ours_pretends_no_published_number(study) -> None:
    _, published = reproduce.read_options([f"--config=paper/{study}.yaml"])
    assert published.source == "Ours; nothing was published."
    assert not any((published.rows, published.metrics, published.claims))
    assert published.ours
    assert not any(asdict(figure)["points"] for figure in published.figures)


def test_every_weight_of_a_method_is_another_training() -> None:
    study = yaml.safe_load((CONFIGS / "paper/study/lambda_tradeoff.yaml").read_text())["steps"]
    audited = " ".join(study["audit_faces"]["args"])
    trained = [name for name, step in study.items() if step["recipe"] == "train"]
    for name in trained:
        assert f"={{{name}_faces.table}}" in audited
    for name in ("leace", "inlp_small", "inlp_middle", "inlp_large"):
        assert f"={{{name}.table}}" in audited
    for name in (x for x in trained if x != "alone"):
        (weight,) = re.findall(rf"@([\d.]+)={{{name}_faces.table}}", audited)
        assert study[name]["args"].count(weight) >= 1, f"{name} is called by another weight than its own"
