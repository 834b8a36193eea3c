"""The study of how coloured MNIST was coloured: what its rules draw, and that rows are made once."""

import sys

import pandas as pd
import pytest
import torch
from scipy.stats import kstest, truncnorm

from benchmarks import colored_mnist_rules
from datamodules.annotations.mnist_files import Digits
from tests.support.mnist_tree import write_mnist

pytestmark = pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning")


@pytest.mark.parametrize("rule", colored_mnist_rules.RULES)
def test_without_jitter_all_rules_paint_grey_times_the_colour(rule):
    grey = torch.full((10, 28, 28), 255, dtype=torch.uint8)
    grey[:, :14] = 0
    digits = Digits(grey, torch.arange(10))
    image = colored_mnist_rules.paint(digits, rule, 1e-12, True, torch.Generator().manual_seed(0))
    exact = grey[:, None] / 255 * 255 * colored_mnist_rules.MEANS[:, :, None, None]
    wrong = (image.float() - exact).abs() > 1
    # a mean at the very end of the range may wrap to the other one
    assert not wrong[colored_mnist_rules.MEANS.min(1).values > 0].any()
    assert image.dtype == torch.uint8


def test_the_chosen_rule_is_the_truncated_normal_distribution():
    deviation = 0.05**0.5
    digits = Digits(torch.full((5000, 28, 28), 255, dtype=torch.uint8), torch.full((5000,), 4))
    image = colored_mnist_rules.paint(digits, "truncate", 0.05, True, torch.Generator().manual_seed(0))
    for channel, mean in zip(image[:, :, 0, 0].T.double() / 255, colored_mnist_rules.MEANS[4], strict=True):
        m = float(mean)
        oracle = truncnorm(-m / deviation, (1 - m) / deviation, loc=m, scale=deviation)
        # 8 bits and a deviation that is estimated from each thousand images: a coarse comparison
        assert kstest(channel.numpy(), oracle.cdf).statistic < 0.03


def test_rows_are_added_as_they_come_and_made_once(tmp_path, monkeypatch, capsys):
    write_mnist(tmp_path)
    out = tmp_path / "rules.csv"
    arguments = ["--root", str(tmp_path), "--out", str(out), "--epochs", "1", "--rules", "clip", "truncate"]
    monkeypatch.setattr(sys, "argv", ["rules", *arguments, "--variances", "0.03"])
    colored_mnist_rules.main()
    rows = pd.read_csv(out)
    assert rows["rule"].tolist() == ["clip", "truncate"]
    assert rows["accuracy"].between(0, 1).all()
    monkeypatch.setattr(
        colored_mnist_rules, "train_classifier", lambda *a, **k: pytest.fail("a finished row is made again")
    )
    colored_mnist_rules.main()
    assert pd.read_csv(out).equals(rows)
    assert "truncate" in capsys.readouterr().out
