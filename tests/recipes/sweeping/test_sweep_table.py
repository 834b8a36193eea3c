"""The table of a sweep against closed forms: seed means, what may be chosen, and when a test is opened."""

import re
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from datamodules.errors import DatasetError
from evaluation.fairness.selection import MostUtility
from recipes.command_line.usage_error import UsageError
from recipes.sweeping.sweep_file import Metric
from recipes.sweeping.sweep_metrics import read_chance, read_test, read_validation
from recipes.sweeping.sweep_table import BestMean, RunResult, SettingTable, spread

LEAKAGE = BestMean(Metric("val/leakage/emotion", "minimize"))


def training(folder: Path, accuracy: float, leakage: float, *, chosen: int = 1, also: str = "") -> Path:
    """A folder whose checkpoint is of the second of three epochs."""
    (folder / "checkpoints").mkdir(parents=True)
    torch.save({"state_dict": {}, "epoch": chosen}, folder / "checkpoints" / "best.ckpt")
    table = pd.DataFrame(
        {
            "epoch": [0, 0, 1, 2, 3],
            "val/accuracy": [0.1, None, accuracy, 0.2, None],
            "val/leakage/emotion": [0.9, None, leakage, 0.8, None],
            "train/loss": [None, 5, None, None, None],
            "test/accuracy": [None, None, None, None, accuracy - 0.1],
        }
    )
    if also:
        table[also] = [1, None, 2, 3, None]
    table.to_csv(folder / "metrics.csv", index=False)
    return folder


@pytest.fixture
def ran(tmp_path):
    """Makes the runs of settings from {lambda: [(accuracy, leakage) or None a seed]}."""

    def make(settings) -> list[RunResult]:
        runs = []
        for strength, seeds in settings.items():
            for seed, found in enumerate(seeds):
                folder = tmp_path / f"{strength!r}_{seed}"
                runs.append(
                    RunResult({"m.x": strength, "seed_everything": seed}, found and training(folder, *found))
                )
        return runs

    return make


def test_means_and_deviations_are_those_of_the_seeds(ran):
    table = SettingTable(["m.x"], ran({0: [(0.9, 0.6), (0.8, 0.4)], 1: [(0.7, 0.3), (0.7, 0.2)]}))
    assert table.settings == [{"m.x": 0}, {"m.x": 1}]
    np.testing.assert_allclose(table.mean["val/accuracy"], [0.85, 0.7])
    np.testing.assert_allclose(table.std["val/accuracy"], [0.1 / sqrt(2), 0], atol=1e-12)
    np.testing.assert_allclose(table.mean["val/leakage/emotion"], [0.5, 0.25])
    frame = table.frame(1)
    assert list(frame) == [
        "m.x", "n", "chosen", "val/accuracy", "val/accuracy/std",
        "val/leakage/emotion", "val/leakage/emotion/std",
    ]  # fmt: skip
    assert frame["chosen"].to_list() == [False, True]
    assert not [name for name in frame if "test" in name]


def test_neither_the_order_of_seeds_nor_setting_types_matter(ran):
    runs = ran({0: [(0.9, 0.6), (0.8, 0.4)], "0": [(0.7, 0.3), (0.5, 0.2)], None: [(0.1, 0.2)]})
    table = SettingTable(["m.x"], runs)
    assert [setting["m.x"] for setting in table.settings] == [0, "0", None]
    turned = SettingTable(["m.x"], [runs[1], runs[0], *runs[2:]])
    pd.testing.assert_frame_equal(table.frame(0), turned.frame(0))


def test_one_seed_has_no_deviation(ran):
    table = SettingTable(["m.x"], ran({0: [(0.9, 0.6)]}))
    assert np.isnan(table.std.to_numpy(float)).all()
    assert table.shown(["val/accuracy"], 0, LEAKAGE).rows == [["0", "1", "0.900", "chosen"]]


def test_the_choice_is_by_the_mean_not_by_the_luckiest_seed(ran):
    table = SettingTable(["m.x"], ran({0: [(0.9, 0.1), (0.9, 0.7)], 1: [(0.7, 0.3), (0.8, 0.3)]}))
    assert table.choose(LEAKAGE) == 1
    assert table.choose(BestMean(Metric("val/accuracy", "maximize"))) == 0
    assert table.choose(MostUtility(0.35, "val/leakage/emotion", "val/accuracy")) == 1
    assert table.choose(MostUtility(0.45, "val/leakage/emotion", "val/accuracy")) == 0


def test_a_setting_with_a_failed_run_is_shown_but_not_chosen(ran):
    table = SettingTable(["m.x"], ran({0: [(0.9, 0.1), None], 1: [(0.7, 0.3), (0.7, 0.5)], 2: [None, None]}))
    assert table.n == [1, 2, 0]
    assert table.choose(LEAKAGE) == 1
    shown = table.shown(["val/leakage/emotion"], 1, LEAKAGE)
    assert [row[1:] for row in shown.rows] == [
        ["1 of 2", "0.100", ""],
        ["2", "0.400 ± 0.141", "chosen"],
        ["0 of 2", "–", ""],
    ]


def test_a_setting_that_a_cap_cut_off_is_not_chosen(ran):
    table = SettingTable(["m.x"], ran({0: [(0.9, 0.5), (0.9, 0.5)], 1: [(0.9, 0.1)]}))
    assert table.choose(LEAKAGE) == 0
    assert table.shown([], 0, LEAKAGE).rows[1] == ["1", "1 of 2", ""]


def test_a_metric_that_one_run_lacks_has_no_mean(ran, tmp_path):
    runs = [
        *ran({0: [(0.9, 0.5)]}),
        RunResult({"m.x": 0, "seed_everything": 1}, training(tmp_path / "b", 0.7, 0.5, also="val/z")),
    ]
    mean = SettingTable(["m.x"], runs).mean
    assert mean["val/accuracy"].item() == pytest.approx(0.8)
    assert np.isnan(mean["val/z"].item())


def test_only_the_test_of_the_chosen_is_read(ran, tmp_path):
    table = SettingTable(["m.x"], ran({0: [(0.9, 0.6), (0.8, 0.4)], 1: [(0.7, 0.3), (0.5, 0.2)]}))
    for folder in table.trainings(0):
        (folder / "metrics.csv").unlink()
    test = table.test(1)
    assert test["metric"].to_list() == ["test/accuracy"]
    np.testing.assert_allclose(test[["mean", "std", "n"]], [[0.5, 0.2 / sqrt(2), 2]])


def test_what_cannot_be_chosen_is_one_line(ran):
    table = SettingTable(["m.x"], ran({0: [(0.9, 0.6)]}))
    with pytest.raises(UsageError, match=r"val/other; validation has val/accuracy, val/leakage/emotion"):
        table.choose(BestMean(Metric("val/other", "minimize")))
    with pytest.raises(UsageError, match=r"<= 0.2: none of 1 candidates qualifies"):
        table.choose(MostUtility(0.2, "val/leakage/emotion", "val/accuracy"))
    with pytest.raises(UsageError, match="none of 2"):
        SettingTable(["m.x"], ran({3: [(0.9, 0.6), None], 4: [None, None]})).choose(LEAKAGE)
    with pytest.raises(UsageError, match="no run of the sweep is done"):
        SettingTable(["m.x"], [RunResult({"m.x": 0}, None)])


def test_validation_is_that_of_the_checkpoints_epoch(tmp_path):
    assert read_validation(training(tmp_path / "a", 0.7, 0.3)) == {
        "val/accuracy": 0.7,
        "val/leakage/emotion": 0.3,
    }
    assert read_validation(training(tmp_path / "b", 0.7, 0.3, chosen=2))["val/accuracy"] == 0.2
    assert read_test(tmp_path / "a") == {"test/accuracy": pytest.approx(0.6)}
    with pytest.raises(DatasetError, match=re.escape("metrics.csv has no validation of epoch 7")):
        read_validation(training(tmp_path / "c", 0.7, 0.3, chosen=7))


def test_chance_is_that_of_the_probed_attribute(tmp_path):
    assert np.isnan(read_chance(tmp_path, "val/leakage/emotion"))
    (tmp_path / "leakage_val.csv").write_text("attribute,chance\ngender,0.5\nemotion,0.25\n")
    assert read_chance(tmp_path, "val/leakage/emotion") == 0.25
    assert np.isnan(read_chance(tmp_path, "val/leakage/age"))


def test_a_spread_without_a_deviation_is_a_number():
    assert spread(0.1234, 0.05) == "0.123 ± 0.050"
    assert spread(0.5, float("nan")) == "0.500"
