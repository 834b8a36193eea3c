"""The figures of the study on closed forms, and the whole of it on drawn pairs."""

import sys

import numpy as np
import pytest
import torch

from benchmarks import lfw_alignment
from benchmarks.lfw_alignment import auc_eer, interval


def test_auc_and_equal_error_rate_have_their_closed_forms() -> None:
    same = np.array([True] * 4 + [False] * 4)
    assert auc_eer(np.array([9, 8, 7, 6, 4, 3, 2, 1.0]), same) == (1.0, 0.0)
    assert auc_eer(np.array([1, 2, 3, 4, 6, 7, 8, 9.0]), same) == (0.0, 1.0)
    # one genuine pair below one impostor: 15 of 16 orders are right, a quarter errs on either side
    assert auc_eer(np.array([9, 8, 7, 4, 5, 3, 2, 1.0]), same) == (15 / 16, 0.25)


@pytest.mark.slow
def test_the_interval_draws_whole_folds() -> None:
    rng = np.random.default_rng(1)
    fold, same = np.repeat(np.arange(10), 20), np.tile([True, False], 100)
    alike = np.where(same, 1.0, 0.0)
    np.testing.assert_array_equal(interval(alike, same, fold, draws=20), [[1, 0], [1, 0]])
    one_bad = np.where(fold == 3, 1 - alike, alike)  # folds that are right or wrong as a whole
    low, high = interval(one_bad, same, fold, draws=200)
    assert low[0] < 0.75 < high[0] == 1
    noise = rng.normal(size=200) + alike
    low, high = interval(noise, same, fold, draws=200)
    assert low[0] < auc_eer(noise, same)[0] < high[0]


@pytest.mark.slow
def test_pairs_without_a_crop_are_counted(tmp_path, monkeypatch, capsys) -> None:
    names = ["Ann", "Bob", "Cyd", "Dan"]
    lines = ["2\t2"]
    for a, b in (("Ann", "Bob"), ("Cyd", "Zoe")):
        lines += [f"{a}\t1\t2", f"{b}\t1\t2", f"{a}\t1\t{b}\t1", f"{a}\t2\t{b}\t1"]
    (tmp_path / "pairs.txt").write_text("\n".join(lines) + "\n")
    people = {name: i for i, name in enumerate([*names, "Zoe"])}

    class Store:
        def rows(self, files):
            return np.array([-1 if x == "Zoe/Zoe_0002.jpg" else people[x.split("/")[0]] for x in files])

        def source(self, rows):
            return lambda index: (
                np.ones((1, 4, 4, 3), np.uint8) * rows[index, None, None, None].astype(np.uint8)
            )

    class Backbone(torch.nn.Module):
        def forward(self, image):
            return torch.eye(5)[image[:, 0, 0, 0].long()]

    monkeypatch.setattr(lfw_alignment.CropStore, "open", lambda folder: Store())
    monkeypatch.setattr(lfw_alignment, "build_backbone", lambda name, weights: Backbone())
    monkeypatch.setattr(sys, "argv", ["x", "--crops=c", f"--pairs={tmp_path / 'pairs.txt'}", "--weights=w"])
    lfw_alignment.main()
    first, scored, every = capsys.readouterr().out.splitlines()
    assert first == "8 pairs, 1 without a crop (1 genuine)"
    assert "AUC 1.0000" in scored
    assert "AUC 0.7500" in every, "the genuine pair without a score is below all impostors"
