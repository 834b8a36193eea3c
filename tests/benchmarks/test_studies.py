"""The studies behind quoted figures run, on small data."""

import sys

import numpy as np
import pytest

from benchmarks import celeba_smile_bias, synthetic_difficulty
from tests.support import toy


@pytest.mark.slow
def test_the_smile_bias_study_runs_each_draw_once(tmp_path, monkeypatch, capsys, celeba_tree):
    monkeypatch.chdir(tmp_path)
    arguments = [
        "--root",
        str(celeba_tree),
        "--samples",
        "unbiased",
        "--backbone",
        "resnet10t",
        "--seeds",
        "1",
    ]
    options = [*toy.BACKBONE[1:], *toy.QUIET, "--trainer.max_epochs=1", "--data.init_args.batch_size=4"]
    monkeypatch.setattr(sys, "argv", ["study", *arguments, *options])
    celeba_smile_bias.main()
    first = capsys.readouterr().out
    assert "TPR not smiling" in first
    assert "unbiased" in first
    celeba_smile_bias.main()  # finds the finished run: no second one is started
    assert len(list((tmp_path / "runs").rglob("metrics.csv"))) == 1
    assert capsys.readouterr().out == first


def test_the_interval_of_a_mean_resamples_people():
    person = np.repeat(np.arange(50), 20)
    alternating = (person % 2).astype(float)  # 50 independent values, not 1,000
    low, high = synthetic_difficulty.person_interval(alternating, person, seed=0)
    assert low == pytest.approx(0.5 - 1.96 * 0.5 / 50**0.5, abs=0.03)
    assert high == pytest.approx(0.5 + 1.96 * 0.5 / 50**0.5, abs=0.03)
