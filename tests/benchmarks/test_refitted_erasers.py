"""The study of erasers on few subjects runs, and its control reads what a division by subject does not."""

import re
import sys

import numpy as np
import pytest
import torch

from benchmarks import refitted_erasers
from datamodules.tables.embedding_table import EmbeddingTable


@pytest.fixture
def study(tmp_path, monkeypatch, capsys):
    """29 subjects who show three expressions six times, each in a direction that is the subject's own."""
    rng = np.random.default_rng(0)
    subject, label = np.repeat(np.arange(29), 18), np.tile(np.arange(3), 174)
    own = 2 * rng.normal(size=(29, 3, 200))
    x = 3 * rng.normal(size=(29, 200))[subject] + own[subject, label] + rng.normal(size=(522, 200))
    table = EmbeddingTable(
        embedding=torch.from_numpy(x).float(),
        labels={"identity": torch.from_numpy(subject), "emotion": torch.from_numpy(label)},
        attributes={"identity": tuple(map(str, range(29))), "emotion": ("neutral", "happy", "sad")},
        sample_id=np.array([f"{i:04d}.jpg" for i in range(522)]),
        split=torch.full((522,), 2, dtype=torch.int8),
        provenance={},
    )
    table.save(tmp_path / "posed.safetensors")

    def run(*more: str) -> tuple[str, list[float]]:
        arguments = ["--table", str(tmp_path / "posed.safetensors"), "--sensitive", "emotion"]
        monkeypatch.setattr(sys, "argv", ["study", *arguments, "--attackers", "linear", *more])
        refitted_erasers.main()
        said = capsys.readouterr().out
        return said, [float(x) for x in re.findall(r"standardised +(\d\.\d+) ", said)]

    return run


def test_a_division_by_subject_reads_no_subject(study) -> None:
    said, (leakage,) = study("--repeats", "2")
    assert "seen crowd: 522 images of 29 subjects, chance 0.333; AUC 1.0000 (1.0000 to 1.0000)" in said
    assert leakage < 0.45
    assert study("--by_image")[1][0] > 0.75, "images of the tested subjects tell what is their own"


@pytest.mark.slow
def test_erasers_are_refitted_for_every_crowd(study) -> None:
    said, leakage = study("--method", "leace", "--crowds", "seen", "unseen", "tested")
    assert re.findall(r"(\w+) crowd", said) == ["seen", "unseen", "tested"]
    assert leakage[2] > leakage[0] + 0.1, "whoever has images of the subject reads more"
    assert study("--method", "pca", "--options", '{"components": 2}')[1][0] < 0.45
