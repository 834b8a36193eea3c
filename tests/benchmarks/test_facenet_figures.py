"""The figures of a FaceNet on tables of known answers."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from benchmarks import facenet_figures
from datamodules.tables.embedding_table import EmbeddingTable
from lightning_modules.backbones.factory import build_backbone
from tests.support.facenet import SIZE, WIDTH, write_facenet


def write_pairs(path: Path) -> Path:
    lines = ["2\t2"]
    for a, b in (("Ann", "Bob"), ("Cyd", "Dan")):
        lines += [f"{a}\t1\t2", f"{b}\t1\t2", f"{a}\t1\t{b}\t1", f"{a}\t2\t{b}\t2"]
    path.write_text("\n".join(lines) + "\n")
    return path


def lfw_table(leave_out: str = "") -> EmbeddingTable:
    names = [f"{name}/{name}_000{i}.jpg" for name in ("Ann", "Bob", "Cyd", "Dan") for i in (1, 2)]
    kept = [i for i, name in enumerate(names) if name != leave_out]
    table = EmbeddingTable(
        embedding=torch.eye(4).repeat_interleave(2, 0),
        labels={"identity": torch.arange(4).repeat_interleave(2)},
        attributes={"identity": ("Ann", "Bob", "Cyd", "Dan")},
        sample_id=np.array(names),
        split=torch.zeros(8, dtype=torch.int8),
        provenance={},
    )
    return table.take(torch.tensor(kept))


@pytest.mark.slow
def test_the_pairs_of_lfw_are_found_by_name(tmp_path):
    pairs = write_pairs(tmp_path / "pairs.txt")
    table = lfw_table()
    (line,) = facenet_figures.lfw_lines(table, {"x": table.embedding}, pairs)
    assert line == "LFW, 8 of 8 pairs, x: AUC 1.0000 [1.0000, 1.0000], EER 0.0 % [0.0, 0.0]"
    swapped = replace(table, sample_id=np.roll(table.sample_id, 1))
    (line,) = facenet_figures.lfw_lines(swapped, {"x": table.embedding}, pairs)
    assert "AUC 0." in line, "a control: rows of the wrong subjects"
    less = lfw_table(leave_out="Dan/Dan_0002.jpg")
    (line,) = facenet_figures.lfw_lines(less, {"x": less.embedding}, pairs)
    assert line.startswith("LFW, 6 of 8 pairs, x: AUC 1.0000")


def celeba_table() -> EmbeddingTable:
    """Sixty subjects of four images; the identity in ten axes, male in another, smiling nowhere."""
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(60), 4)
    male, smiling = subject % 2, rng.integers(2, size=240)
    x = np.concatenate([rng.normal(size=(60, 10))[subject], 2.0 * male[:, None] - 1], axis=1)
    return EmbeddingTable(
        embedding=torch.from_numpy(x + rng.normal(scale=0.1, size=x.shape)).float(),
        labels={k: torch.from_numpy(v) for k, v in zip(
            ("identity", "male", "smiling"), (subject, male, smiling), strict=True)},
        attributes={"identity": tuple(map(str, range(60))), "male": ("no", "yes"), "smiling": ("no", "yes")},
        sample_id=np.array([f"{i:06d}.jpg" for i in range(240)]),
        split=torch.from_numpy(np.where(subject < 40, 0, 2)).to(torch.int8),
        provenance={},
    )  # fmt: skip


def test_verification_is_of_test_subjects_and_of_some_of_them():
    table = celeba_table()
    some, every = facenet_figures.celeba_lines(table, {"x": table.embedding}, 40)
    assert some.startswith("CelebA, 40 test images of 10 subjects (60 genuine pairs), x: AUC 1.0000 [")
    assert every.startswith("CelebA, 80 test images of 20 subjects (120 genuine pairs), x: AUC 1.0000 [")
    assert every.endswith("EER 0.0 % [0.0, 0.0]")


def test_the_probe_reads_what_is_there_and_nothing_else():
    table = celeba_table()
    male, smiling = facenet_figures.probe_lines(table, {"x": table.embedding}, 100)
    assert male.startswith("CelebA, male from 100 training images, x: 100.0 % [")
    assert male.endswith("of 80 test images")
    accuracy = float(smiling.split("x: ")[1].split(" %")[0])
    assert accuracy < 70


@pytest.mark.slow
@torch.inference_mode()
def test_the_embedding_is_made_of_the_pooled_features(tmp_path):
    path = str(write_facenet(tmp_path / "w.safetensors"))
    image = torch.randint(256, (3, 3, SIZE, SIZE), dtype=torch.uint8)
    pooled = build_backbone("inception_resnet_v1", weights=path, options={"features": "pooled"}).eval()(image)
    features = facenet_figures.features_of(pooled, path)
    assert list(features) == [f"embedding, {WIDTH}", "pooled, 1,792"]
    direct = build_backbone("inception_resnet_v1", weights=path).eval()(image)
    torch.testing.assert_close(features[f"embedding, {WIDTH}"], direct, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(normalize(pooled), pooled)


@pytest.mark.slow
def test_the_command_measures_both_sets(tmp_path, monkeypatch, capsys):
    (tmp_path / "lfw").mkdir()
    write_pairs(tmp_path / "lfw" / "pairs.txt")
    asked = []

    def load(path):
        return lfw_table() if path.stem == "lfw" else celeba_table()

    monkeypatch.setattr(facenet_figures, "_run", lambda *arguments: asked.append(arguments))
    monkeypatch.setattr(facenet_figures.EmbeddingTable, "load", load)
    monkeypatch.setattr(facenet_figures, "features_of", lambda pooled, weights: {"x": pooled})
    monkeypatch.setattr(sys, "argv", ["x", f"--root={tmp_path}", "--weights=w", f"--out={tmp_path / 'out'}"])
    facenet_figures.main()
    assert [command[0] for command in asked] == ["prepare.py", "embed.py"] * 2
    assert all("--mode=align" in command for command in asked[::2])
    told = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in told[:-1]] == ["LFW"] + ["CelebA"] * 4
    assert told[-1].startswith("What these weights were trained on is not stated")
