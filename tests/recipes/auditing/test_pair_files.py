"""Pair files beside embedding tables, read and audited through the real command."""

import hashlib
import html
import json

import numpy as np
import pandas as pd
import pytest
import torch

from datamodules.annotations import lfw_pairs
from datamodules.errors import DatasetError
from datamodules.tables.embedding_table import EmbeddingTable
from recipes import audit
from recipes.auditing.pair_files import load_pairs
from recipes.command_line.errors import report_errors
from recipes.command_line.usage_error import UsageError
from tests.support.lfw_tree import NAMES, write_lfw
from tests.support.small_audits import FAST

LOST = "Person_K/Person_K_0002.jpg"  # of the test pairs of View 1, and of View 2
IDS = np.array([f"{name}/{name}_{k:04d}.jpg" for name in NAMES for k in (1, 2)])

pytestmark = pytest.mark.filterwarnings("ignore:joined")


def make_table(noise: float) -> EmbeddingTable:
    """Two images of each of 24 people, all in the test split; `gender` is arbitrary."""
    rng = np.random.default_rng(0)
    identity = np.repeat(np.arange(24), 2)
    x = rng.normal(size=(24, 32))[identity] + noise * rng.normal(size=(48, 32))
    return EmbeddingTable(
        embedding=torch.from_numpy(x).float(),
        labels={"identity": torch.from_numpy(identity), "gender": torch.from_numpy(identity % 2)},
        attributes={"identity": tuple(NAMES), "gender": ("female", "male")},
        sample_id=IDS,
        split=torch.full((48,), 2, dtype=torch.int8),
        provenance={},
    )


@pytest.fixture
def lfw(tmp_path):
    """Folder of pair files of 24 people."""
    write_lfw(tmp_path)
    return tmp_path


def _views(folder, table, metric="cosine") -> list[pd.Series]:
    """The figures of both views on a table."""
    found = [pairs.measure(table.embedding.numpy()) for pairs in load_pairs(folder, table.sample_id)]
    return [next(iter(frames.values())).set_index("metric").loc[metric] for frames in found]


def test_the_pairs_do_not_depend_on_the_order_of_the_table(lfw) -> None:
    order = torch.from_numpy(np.random.default_rng(1).permutation(48))
    for noise in (0.0, 2.0):
        table = make_table(noise)
        one, two = _views(lfw, table), _views(lfw, table.take(order))
        assert [x.to_dict() for x in two] == [pytest.approx(x.to_dict()) for x in one]
        assert [x["accuracy"] == 1 for x in one] == [noise == 0] * 2
        assert [x["pairs"] for x in one] == [12, 32]


def test_an_image_without_an_embedding_is_an_error(lfw) -> None:
    table = make_table(0.0)
    table = table.take(torch.arange(48)[torch.from_numpy(IDS != LOST)])
    one, two = _views(lfw, table)
    assert (one["accuracy"], one["missing"]) == (pytest.approx(10 / 12), 2), "a matched and a mismatched pair"
    assert (two["accuracy"], two["missing"]) == (pytest.approx(30 / 32), 2)


@pytest.mark.slow
def test_the_audit_reports_the_pairs_and_reuses_the_rest(lfw, monkeypatch) -> None:
    for name, noise in (("x", 0.0), ("noise", 1000.0)):
        kept = torch.arange(48)[torch.from_numpy(IDS != LOST)]
        make_table(noise).take(kept).save(lfw / f"{name}.safetensors")
    tables = [f"--before={lfw / 'x.safetensors'}", f"--after={lfw / 'noise.safetensors'}", *FAST]
    command = [*tables, f"--out={lfw / 'out'}", "--sensitive=gender", f"--pairs={lfw}", "--permutations=0"]
    audit.main(command)
    numbers = json.loads((lfw / "out" / "numbers.json").read_text())
    for section, best in (("lfw_view1", 10 / 12), ("lfw_view2", 30 / 32)):
        frame = pd.DataFrame(numbers["sections"][section]).set_index("representation")
        assert frame.loc["x", "accuracy"].to_numpy() == pytest.approx(best)
        assert (frame.loc["noise", "accuracy"] < 0.8).all()
    assert numbers["facts"]["pairs of View 1"] == "12 tested, 20 that choose the threshold; not LFW's own"
    texts = [caveat["text"] for caveat in numbers["caveats"]]
    assert any(text.startswith("View 1: 2 of the 12 test pairs have an image without") for text in texts)
    page = html.unescape((lfw / "out" / "report.html").read_text())
    assert "ID (pairs as in View 1, not LFW's own)" in page
    assert "compare with no published figure" in page
    assert "ID (LFW View" not in page

    path = lfw / "pairsDevTest.txt"
    lines = path.read_text().splitlines()
    lines[7] = lines[7].replace("\t1\t", "\t2\t")  # another image of the first person of a mismatched pair
    path.write_text("\n".join(lines))
    found = []
    monkeypatch.setattr(audit, "write_report", lambda audit, folder: found.append(audit))
    for section in ("cross_fitted_leakage", "score_pairs", "attribute_map"):
        monkeypatch.setattr(f"evaluation.audit.sections.{section}", None)
    monkeypatch.setattr("evaluation.verification.listed_pairs.lfw_view2", None)
    audit.main(command)
    before = pd.DataFrame(numbers["sections"]["lfw_view1"])
    assert not found[0].frame("lfw_view1")["auc"].equals(before["auc"])


@pytest.mark.parametrize(("there", "views"), [(("pairs",), [2]), (("pairsDevTrain", "pairsDevTest"), [1])])
def test_whichever_files_are_there(lfw, there, views) -> None:
    for path in lfw.glob("pairs*.txt"):
        if path.stem not in there:
            path.unlink()
    assert [pairs.view for pairs in load_pairs(lfw, IDS)] == views


def test_view_1_takes_both_files(lfw) -> None:
    (lfw / "pairsDevTrain.txt").unlink()
    with pytest.raises(DatasetError, match="there is no .*pairsDevTrain.txt"):
        load_pairs(lfw, IDS)


def test_files_of_the_published_md5_are_lfws_own(lfw, monkeypatch) -> None:
    path = lfw / "pairs.txt"
    assert not load_pairs(path.parent, IDS)[1].official
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setitem(lfw_pairs._PUBLISHED, "pairs.txt", (32, digest))
    view1, view2 = load_pairs(path.parent, IDS)
    assert view2.official
    assert not view1.official
    assert view2.description == "32 tested; LFW's own"


def test_no_files_or_pairs_of_another_dataset_are_one_line(lfw, capsys) -> None:
    with pytest.raises(UsageError, match="nowhere has neither pairsDevTest.txt with pairsDevTrain.txt nor"):
        load_pairs(lfw / "nowhere", IDS)
    make_table(0.0).save(lfw / "x.safetensors")
    tables = [f"--before={lfw / 'x.safetensors'}", f"--out={lfw / 'out'}"]
    with pytest.raises(SystemExit, match="2"):
        report_errors(lambda: audit.main([*tables, f"--pairs={lfw / 'nowhere'}"]))
    with pytest.raises(UsageError) as caught:
        load_pairs(lfw, np.array(["000001.jpg", "000002.jpg"]))
    message = str(caught.value)
    assert "pairsDevTest.txt: no pair has two embeddings" in message
    assert "'Person_K/Person_K_0001.jpg'" in message
    assert "'000001.jpg'" in message
    assert "\n" not in message + capsys.readouterr().err.rstrip()
    with pytest.raises(UsageError, match="pairsDevTrain.txt: no pair has two embeddings"):
        load_pairs(lfw, IDS[20:])  # the people of the test pairs alone
