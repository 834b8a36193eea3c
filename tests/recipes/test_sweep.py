"""The whole recipe on fake trainings whose metrics are known."""

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recipes import sweep
from recipes.sweeping import sweep_runs
from recipes.sweeping.sweep_commands import planned_runs
from tests.support.sweep_folder import SWEEP, fake_plan, faked, run_recipe, started, write_checkpoint


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Runs the recipe in a new folder; returns its exit code, what it printed, and its errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sweep_runs, "_POLL", 0.02)
    Path("sweep.yaml").write_text(SWEEP)
    write_checkpoint(Path("out"))

    def run(*arguments: str, fail: Collection[int] = (), plan=fake_plan) -> tuple[int, str, str]:
        def planned(*asked):
            return [faked(run, "fail") if i in fail else run for i, run in enumerate(plan(*asked))]

        return run_recipe(planned, ["--out=out", "--processes=3", *arguments], monkeypatch, capsys)

    return run


def test_a_row_for_each_lambda_and_the_chosen_one(call):
    code, printed, errors = call()
    assert code == 0
    table = pd.read_csv("out/sweep.csv")
    strength = np.array([0, 0.5, 1])
    np.testing.assert_allclose(table["model.init_args.lambda_"], strength)
    np.testing.assert_allclose(table["val/accuracy"], 0.9 - strength / 10 + 0.005)
    np.testing.assert_allclose(table["val/leakage/emotion"], 0.5 - strength / 5 - 0.01)
    np.testing.assert_allclose(table["val/leakage/emotion/std"], [0.02 / 2**0.5] * 3)
    assert table["n"].to_list() == [2, 2, 2]
    assert table["chosen"].to_list() == [False, False, True]
    markdown = Path("out/sweep.md").read_text()
    assert "| 1 | 2 | 0.290 ± 0.014 | 0.805 ± 0.007 | chosen |" in markdown
    assert "The rule: minimize val/leakage/emotion." in markdown
    assert "0.290 ± 0.014" in printed
    assert {p.name for p in Path("out").glob("tradeoff.*")} == {"tradeoff.svg", "tradeoff.png"}
    assert "Task accuracy (%)" in Path("out/tradeoff.svg").read_text()
    assert "6/6" in errors


def test_the_most_accurate_that_leaks_little_is_tested_alone(call):
    code, printed, _ = call("--leakage_at_most=0.4")
    assert code == 0
    assert pd.read_csv("out/sweep.csv")["chosen"].to_list() == [False, True, False]
    assert "most val/accuracy with val/leakage/emotion <= 0.4" in printed
    test = pd.read_csv("out/chosen.csv").set_index("metric")
    assert test.loc["test/accuracy", "mean"] == pytest.approx(0.9 - 0.05 + 0.005 + 0.01)
    assert "The test of lambda_=0.5, n = 2" in printed
    everywhere = Path("out/sweep.csv").read_text() + Path("out/sweep.md").read_text()
    assert "test" not in everywhere


@pytest.mark.slow
def test_started_again_it_repeats_nothing(call):
    call()
    first = Path("out/sweep.csv").read_bytes()
    code, printed, _ = call()
    assert (code, len(started(Path("out")))) == (0, 6)
    assert Path("out/sweep.csv").read_bytes() == first
    assert "have been opened" not in printed
    code, printed, _ = call("--leakage_at_most=0.4")
    assert (code, len(started(Path("out")))) == (0, 6)
    assert "the tests of 2 settings have been opened" in printed
    opened = json.loads(Path("out/chosen.json").read_text())
    assert [one["setting"]["model.init_args.lambda_"] for one in opened] == [1, 0.5]


@pytest.mark.slow
def test_a_damaged_note_of_opened_tests_is_one_line_and_stays(call):
    call()
    for content in ("{", "[1]", "{}x"):
        Path("out/chosen.json").write_text(content)
        code, _, errors = call()
        assert code == 2
        assert "chosen.json is damaged" in errors
        assert Path("out/chosen.json").read_text() == content


def test_failures_are_counted_named_and_tried_again(call):
    code, printed, errors = call(fail={4})
    assert code == 1
    assert "lambda_=1 seed_everything=0: exit code 1" in errors
    assert "the loss is not finite" in errors
    assert "log.txt" in errors
    assert "error: 1 of 6 runs failed" in errors
    table = pd.read_csv("out/sweep.csv")
    assert table["n"].to_list() == [2, 2, 1]
    assert table["chosen"].to_list() == [False, True, False], "the least leakage of those that are whole"
    code, _, _ = call()
    assert code == 0
    assert len(started(Path("out"))) == 7
    assert pd.read_csv("out/sweep.csv")["chosen"].to_list() == [False, False, True]


def test_when_all_fail_there_is_no_table(call):
    code, _, errors = call(fail=set(range(6)))
    assert code == 1
    assert "error: 6 of 6 runs failed" in errors
    assert "Traceback" not in errors
    assert not Path("out/sweep.csv").exists()


@pytest.mark.slow
def test_options_after_two_dashes_are_part_of_what_is_run(call):
    call()
    asked = []
    code, *_ = call("--", "--trainer.max_epochs=3", plan=lambda *a: asked.append(a) or fake_plan(*a))
    assert (code, asked[0][1:]) == (0, (Path("out"), ["--trainer.max_epochs=3"]))
    assert len(started(Path("out"))) == 12, "another configuration is another run"
    assert sweep.split_extra(["a", "--", "b", "--", "c"]) == (["a"], ["b", "--", "c"])


@pytest.mark.slow
def test_how_to_upload_what_was_logged_offline(call):
    _, printed, _ = call()
    assert "wandb sync" not in printed
    folder = next(Path("out").glob("*/lntl/now"))
    (folder / "wandb" / "offline-run-1").mkdir(parents=True)
    _, printed, _ = call()
    assert "wandb sync out/*/*/*/wandb/offline-run-*" in printed
    assert list(Path().glob("out/*/*/*/wandb/offline-run-*"))


def test_a_mistake_is_one_line_and_starts_nothing(call):
    Path("sweep.yaml").write_text(SWEEP.replace("lambda_:", "lamda_:"))
    code, _, errors = call(plan=planned_runs)
    assert code == 2
    assert errors.count("\n") == 1
    assert errors.startswith("error: sweep.yaml, run lamda_=0")
    assert started(Path("out")) == []
    Path("sweep.yaml").write_text(SWEEP.replace("grid", "bayes"))
    code, _, errors = call()
    assert (code, errors.count("\n")) == (2, 1)
    assert "use wandb agent" in errors


def test_a_metric_that_is_not_logged_is_one_line(call):
    Path("sweep.yaml").write_text(SWEEP.replace("val/leakage/emotion", "val/other"))
    code, _, errors = call()
    assert code == 2
    assert "val/other; validation has val/accuracy, val/leakage/emotion" in errors


def test_a_dry_run_prints_the_plan_and_starts_nothing(call):
    code, printed, errors = call("--dry_run=true")
    assert code == 0
    assert "6 runs, 0 done, 6 to train, 3 at a time" in printed
    assert "lambda_=0.5 seed_everything=1:" in printed
    assert printed.count("fake_training.py out/") == 6
    assert started(Path("out")) == []
    assert not Path("out/sweep.csv").exists()
    call()
    _, printed, _ = call("--dry_run=true")
    assert "6 runs, 6 done, 0 to train" in printed
    assert len(started(Path("out"))) == 6


def test_help_says_what_it_does(monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        sweep.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(
        word in text for word in ("Options after --", "--processes", "--leakage_at_most", "--out", "sweeps/")
    )
