"""Erased tables through the entry point: what is erased, who is learned from, what is kept, mistakes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.contract import SPLITS
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.erasers.leace import fit_leace
from evaluation.erasers.pca import fit_pca
from evaluation.probes.standardise import standardise
from recipes import erase
from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.usage_error import UsageError

N, D = 400, 8


@pytest.fixture
def table(tmp_path) -> Path:
    """Two classes whose means differ in every split; the halves are train and test."""
    rng = np.random.default_rng(0)
    label = rng.integers(2, size=N)
    x = rng.normal(size=(N, D)) + 3 * label[:, None] * rng.normal(size=D)
    made = EmbeddingTable(
        embedding=torch.from_numpy(x).float(),
        labels={"gender": torch.from_numpy(label)},
        attributes={"gender": ("female", "male")},
        sample_id=np.array([f"s{i}" for i in range(N)]),
        split=torch.where(torch.arange(N) < N // 2, 0, 2).to(torch.int8),
        provenance={"model": "made up"},
    )
    made.save(tmp_path / "x.safetensors")
    return tmp_path / "x.safetensors"


def run(table: Path, *more: str, config: str = "leace", sensitive: bool = True) -> EmbeddingTable:
    out = table.with_name(f"{config}.safetensors")
    named = ["--sensitive=gender"] if sensitive else []
    erase.main([f"--config=erase/{config}.yaml", f"--table={table}", f"--out={out}", *named, *more])
    return EmbeddingTable.load(out)


def test_only_the_embedding_changes_and_the_file_says_how(table):
    before, after = EmbeddingTable.load(table), run(table)
    assert after.sample_id.tolist() == before.sample_id.tolist()
    assert after.labels["gender"].equal(before.labels["gender"])
    assert after.split.equal(before.split)
    assert not after.embedding.equal(before.embedding)
    told = after.provenance
    assert told["model"] == "made up"
    assert told["erased"] == "gender"
    assert told["eraser learned from"] == "train"
    assert told["eraser"].startswith("leace")


def test_it_learns_from_the_training_samples_alone(table):
    before = EmbeddingTable.load(table)
    x, rows = before.embedding.double().numpy(), (before.split == 0).numpy()
    expected = fit_leace(x[rows], before.labels["gender"][rows].numpy())(x)
    np.testing.assert_allclose(run(table).embedding, expected, atol=1e-5)
    every = fit_leace(x, before.labels["gender"].numpy())(x)
    assert np.abs(every - expected).max() > 1e-3, "the splits give different erasers"
    everybody = run(table, "--fit_on=[train,test]", "--overwrite=true").embedding
    np.testing.assert_allclose(everybody, every, atol=1e-5)


def test_the_file_holds_the_samples_that_it_learned_from(table):
    made = EmbeddingTable.load(table)
    unknown = made.labels["gender"].clone()
    unknown[:5] = -1
    replace(made, labels={"gender": unknown}, learned_from=np.array(["s399"])).save(table)
    assert set(run(table).learned_from) == {f"s{i}" for i in range(5, N // 2)} | {"s399"}
    blurred = run(table, "--fit_on=[test]", config="noise", sensitive=False)
    assert set(blurred.learned_from) == {f"s{i}" for i in range(N // 2, N)}


def test_the_class_means_become_one(table):
    before, after = EmbeddingTable.load(table), run(table)
    train = (before.split == 0).numpy()
    label = before.labels["gender"].numpy()[train]
    gaps = []
    for kept in (before, after):
        x, _ = standardise(kept.embedding.double().numpy()[train], kept.embedding.double().numpy())
        gaps.append(np.abs(x[label == 1].mean(0) - x[label == 0].mean(0)).max())
    assert gaps[0] > 1
    assert gaps[1] < 0.05


def test_a_control_knows_no_attribute(table):
    before = EmbeddingTable.load(table)
    x = before.embedding.double().numpy()
    after = run(table, "--options.components=3", config="pca", sensitive=False)
    np.testing.assert_allclose(after.embedding, fit_pca(x[: N // 2], 3)(x), atol=1e-5)
    assert np.linalg.matrix_rank(after.embedding.numpy() - x[: N // 2].mean(0), tol=1e-3) == 3


@pytest.mark.parametrize("config", sorted(path.stem for path in (CONFIGS / "erase").glob("*.yaml")))
def test_every_configuration_runs(table, config):
    more = ["--options.components=2"] if config == "pca" else []
    after = run(table, *more, config=config, sensitive=config in ("leace", "inlp"))
    assert after.embedding.isfinite().all()
    assert after.provenance["eraser"].startswith(config)
    assert SPLITS[int(after.split[-1])] == "test"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--sensitive=age"], "no attribute 'age'; it has gender"),
        (["--fit_on=[val]"], "no sample of the table is in val"),
        (["--options.rank=3"], "leace has no option rank; it has svd_tol, shrinkage"),
        (["--method=pca", "--options={}"], "knows no attribute"),
        (["--sensitive=null"], "leace needs --sensitive"),
    ],
)
def test_mistakes_are_one_line(table, more, message):
    with pytest.raises(UsageError, match=message):
        run(table, *more)


def test_a_file_is_not_replaced_unasked(table):
    run(table)
    with pytest.raises(UsageError, match="is there already"):
        run(table)


def test_classes_that_a_tolerance_leaves_are_named(table):
    with pytest.warns(UserWarning, match="leace removed fewer directions .* female, male may stay readable"):
        left = run(table, "--options.svd_tol=10")
    assert left.provenance["classes of fewer directions"] == "female, male"
    assert "classes of fewer directions" not in run(table, "--overwrite=true").provenance


def test_embeddings_that_outgrow_their_type_are_one_line(table):
    made = EmbeddingTable.load(table)
    replace(made, embedding=torch.sign(made.embedding) * 3.3e38).save(table)
    with pytest.raises(UsageError, match="embeddings are too large for torch.float32 then"):
        run(table)


def test_it_may_learn_from_a_share_of_the_subjects(table):
    made = EmbeddingTable.load(table)
    identity = torch.arange(N) // 4
    labels, names = made.labels | {"identity": identity}, tuple(f"p{i}" for i in range(N // 4))
    replace(made, labels=labels, attributes=made.attributes | {"identity": names}).save(table)
    half = run(table, "--fit_share=0.5", "--fit_seed=1")
    learned = np.isin(made.sample_id, half.learned_from)
    x, label = made.embedding.double().numpy(), made.labels["gender"].numpy()
    assert learned.sum() == N // 4
    assert not learned[N // 2 :].any()
    assert np.unique(np.bincount(identity[learned], minlength=N // 4)).tolist() == [0, 4], "whole subjects"
    np.testing.assert_allclose(half.embedding, fit_leace(x[learned], label[learned])(x), atol=1e-5)
    assert half.provenance["share of their subjects"] == "0.5, seed 1"
    with pytest.raises(UsageError, match="above 0 and at most 1"):
        run(table, "--fit_share=0", "--overwrite=true")
