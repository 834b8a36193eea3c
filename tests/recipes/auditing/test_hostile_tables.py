"""Tables made to fool an audit are refused or said in the verdict, through the real commands."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.erasers.leace import fit_leace
from recipes import audit, erase
from recipes.auditing.representation_tables import load_representations
from recipes.command_line.errors import report_errors
from tests.support.small_audits import FAST, make_table

QUICK = [*FAST, "--permutations=0", "--sensitive=smiling"]


def run(folder: Path, *more: str, after: tuple[str, ...] = ("phi",)) -> int:
    """Audit x and the tables `after`; returns the exit code."""
    paths = [f"--after={folder / name}.safetensors" for name in after]
    given = [f"--before={folder / 'x.safetensors'}", *paths, f"--out={folder / 'out'}"]
    try:
        report_errors(lambda: audit.main([*given, *QUICK, *more]))
    except SystemExit as stopped:
        return stopped.code
    return 0


def numbers(folder: Path) -> dict:
    return json.loads((folder / "out" / "numbers.json").read_text())


@pytest.fixture
def folder(tmp_path, blank_figures) -> Path:
    """x shows who smiles; its first third of the subjects is train, the others are test."""
    make_table(6.0).save(tmp_path / "x.safetensors")
    return tmp_path


def _leakage(folder: Path) -> dict[str, dict]:
    leakage = numbers(folder)["sections"]["leakage"]
    rows = [dict(zip(leakage, row, strict=True)) for row in zip(*leakage.values(), strict=True)]
    return {row["representation"]: row for row in rows}


def test_tested_subjects_marked_as_training_are_refused(folder, capsys):
    """Construction 2: the after table calls the tested subjects training subjects, and hides only theirs."""
    x, hidden = make_table(6.0), make_table(0.0)
    tested = x.split == 2
    embedding = torch.where(tested[:, None], hidden.embedding, x.embedding)
    split = torch.where(tested, 0, 2).to(torch.int8)
    replace(x, embedding=embedding, split=split).save(folder / "phi.safetensors")
    assert run(folder) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert (
        "the splits contradict each other in 360 of 360 samples: '0000' is in train by x, in test by phi"
        in error
    )
    assert not (folder / "out" / "report.html").exists()


@pytest.mark.slow
def test_a_short_table_is_refused_and_shrinks_no_other(folder, capsys):
    """Construction 3: one after table lacks half of the samples, those that show who smiles."""
    table = make_table(0.0)
    table.save(folder / "whole.safetensors")
    table.take(torch.arange(0, 360, 2)).save(folder / "phi.safetensors")
    assert run(folder, after=("phi", "whole")) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "phi lacks 120 of the 240 tested samples (50.0 %), first '0121'" in error
    table.take(torch.arange(0, 350)).save(folder / "phi.safetensors")
    assert run(folder, after=("phi", "whole")) == 0
    found = _leakage(folder)
    assert {name: row["n"] for name, row in found.items()} == {"x": 240, "phi": 230, "whole": 240}
    assert found["x"]["balanced_accuracy"] > 0.95, "what was there before is found on all samples"
    (caveat,) = [x for x in numbers(folder)["caveats"] if x["text"].startswith("Missing samples")]
    assert (caveat["representation"], caveat["attribute"]) == ("phi", None)
    sentences = {x["representation"]: x["sentence"] for x in numbers(folder)["verdicts"]}
    assert "below limit" in sentences["phi"]
    assert (
        "Missing samples: phi lacks 10 of the 240 tested samples (4.2 %)"
        in capsys.readouterr().out.replace("\n", " ")
    )


@pytest.mark.slow
def test_half_of_the_samples_may_be_missing_with_leave(folder):
    make_table(0.0).take(torch.arange(1, 360, 3)).save(folder / "phi.safetensors")
    assert run(folder, "--allow_missing=0.7") == 0
    assert {name: row["n"] for name, row in _leakage(folder).items()} == {"x": 240, "phi": 80}


def _erased(folder: Path, *more: str) -> EmbeddingTable:
    out = folder / "phi.safetensors"
    options = ["--config=erase/leace.yaml", "--sensitive=smiling", "--overwrite=true"]
    erase.main([*options, f"--table={folder / 'x.safetensors'}", f"--out={out}", *more])
    return EmbeddingTable.load(out)


@pytest.mark.slow
def test_an_eraser_of_the_tested_subjects_is_refused(folder, capsys):
    """Construction 7: an eraser that learned from the subjects it is tested on, as its record says."""
    erased = _erased(folder, "--fit_on=[train,test]")
    for record in (erased, replace(erased, learned_from=None)):  # earlier versions named the splits alone
        record.save(folder / "phi.safetensors")
        capsys.readouterr()
        assert run(folder) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "phi learned from 40 of the 40 subjects tested, by its record" in error
    assert run(folder, "--allow_seen=true") == 0
    assert "Seen in training: phi learned from 40 of the 40 subjects tested" in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.slow
def test_an_eraser_of_other_subjects_is_audited_without_a_word(folder):
    _erased(folder)
    assert run(folder) == 0
    assert not [x for x in numbers(folder)["caveats"] if x["text"].startswith(("Seen", "Missing", "Split"))]
    described = numbers(folder)["facts"]["tested"]
    assert "subjects that the table marks as not seen in training" in described, "no record of the network"


def test_other_images_of_a_subject_count_as_seen(folder):
    """The record names one image of a tested subject, and the table no longer holds it."""
    x = make_table(6.0)
    test_image = int((x.split == 2).nonzero()[0])
    kept = torch.tensor([row for row in range(360) if row != test_image])
    replace(x, learned_from=x.sample_id[[test_image]]).take(kept).save(folder / "phi.safetensors")
    found, _ = load_representations(str(folder / "x.safetensors"), [str(folder / "phi.safetensors")])
    subject = found.identity[test_image]
    assert (found.seen["phi"] == np.where(found.identity == subject, 1, -1)).all()


@pytest.mark.slow
def test_unseen_subjects_are_said_where_it_was_checked(folder):
    x = make_table(6.0)
    record = {"learned_from": x.sample_id[(x.split == 0).numpy()]}
    known = {"provenance": {"network learned from": "120 training samples (sha256 0)"}}
    replace(x, **record, **known).save(folder / "x.safetensors")
    _erased(folder)
    assert run(folder) == 0
    assert (
        "subjects that no representation learned from, as its record says"
        in numbers(folder)["facts"]["tested"]
    )
    replace(x, learned_from=np.append(record["learned_from"], "elsewhere"), **known).save(
        folder / "x.safetensors"
    )
    found, _ = load_representations(str(folder / "x.safetensors"), [])
    assert set(found.seen["x"]) == {1, -1}, "nobody knows whose the sample elsewhere is"


def test_labels_that_contradict_each_other_are_refused(folder, capsys):
    table = make_table(0.0)
    changed = table.labels["smiling"].clone()
    changed[200:204] = 1 - changed[200:204]
    replace(table, labels=table.labels | {"smiling": changed}).save(folder / "phi.safetensors")
    assert run(folder) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "smiling differs in 4 of them" in error


@pytest.mark.slow
def test_a_subject_in_two_splits_is_said(folder):
    x = make_table(6.0)
    split = x.split.clone()
    split[0] = 2
    replace(x, split=split).save(folder / "x.safetensors")
    assert run(folder, after=()) == 0
    (text,) = [x["text"] for x in numbers(folder)["caveats"] if x["text"].startswith("Split")]
    assert (
        "1 of 60 subjects, such as that of sample '0000', have samples in more than one of train and test"
        in text
    )


def test_a_block_attribute_says_what_was_drawn_together(folder, capsys):
    x = make_table(6.0)
    blocks = {"block": torch.arange(360) // 3, "take": torch.arange(360) // 2}
    names = {"block": tuple(map(str, range(120))), "take": tuple(map(str, range(180)))}
    replace(x, labels=x.labels | blocks, attributes=x.attributes | names).save(folder / "x.safetensors")
    path = str(folder / "x.safetensors")
    found, _ = load_representations(path, [])
    assert found.block.tolist() == (np.arange(360) // 3).tolist()
    assert "take" in found.labels
    assert "block" not in found.labels
    named, _ = load_representations(path, [], "take")
    assert named.block.tolist() == (np.arange(360) // 2).tolist()
    assert named.samples("x", "smiling", np.array([5])).block.tolist() == [2]
    assert run(folder, "--block=scene", after=()) == 2
    assert "--block: no attribute 'scene'" in capsys.readouterr().err


def test_a_control_leace_erases_what_linear_attackers_read():
    x = make_table(6.0)
    rows, label = (x.split == 0).numpy(), x.labels["smiling"].numpy()
    erased = fit_leace(x.embedding.double().numpy()[rows], label[rows])(x.embedding.double().numpy())
    gap = np.abs(erased[label == 1].mean(0) - erased[label == 0].mean(0)).max()
    assert gap < 1 < 6, "the tables above hide what they claim to hide"
