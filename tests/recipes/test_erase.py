"""Erased tables through the entry point: what is erased, who is learned from, what is kept, mistakes."""

import warnings
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.erasers.choice import ChosenEraser
from evaluation.erasers.leace import fit_leace
from evaluation.erasers.pca import fit_pca
from evaluation.erasers.stored_eraser import StoredEraser
from evaluation.erasers.transport_fit import fit_transport
from evaluation.probes.standardise import standardise
from recipes import erase
from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.usage_error import UsageError
from recipes.erasing.fit_eraser import describe_loss

N, D = 400, 8
FIXED = ["--bound=null", "--options={components: 3, sigma: 0.5, steps: 10}"]
KEY = "11" * 32


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
    fast = [*FIXED, "--options={components: 2, steps: 10}", f"--key_file={table.with_name('key')}"]
    trained = ["--bound=null", "--options={dimensions: 3, steps: 2}"]
    if config == "matching":  # which needs several samples a subject
        people(table)
    more = {"pca": ["--options.components=2"], "transport": fast, "matching": trained}.get(config, [])
    sensitive = config in ("leace", "inlp", "transport", "matching")
    after = run(table, *more, config=config, sensitive=sensitive)
    assert after.embedding.isfinite().all()
    assert after.provenance["eraser"].startswith(config)
    assert after.split.equal(EmbeddingTable.load(table).split)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--sensitive=age"], "no attribute 'age'; it has gender"),
        (["--fit_on=[val]"], "no sample of the table is in val"),
        (["--options.rank=3"], "leace has no option rank; it has svd_tol, shrinkage"),
        (["--method=pca", "--options={}"], "knows no attribute"),
        (["--sensitive=null"], "leace needs --sensitive"),
        (["--sensitive=[gender,age]"], "no attribute 'age'"),
        (["--bound=0.1"], "leace has no settings that a bound could choose"),
        (["--eraser=x.safetensors"], "not both"),
        (["--method=null"], "give --method"),
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
    with pytest.raises(UsageError, match="erased embeddings are too large for torch.float32"):
        run(table)


def blind(table: Path, *more: str, key: Path | None = None) -> EmbeddingTable:
    return run(table, *FIXED, f"--key_file={key or table.with_name('noise.key')}", *more, config="transport")


def test_transport_is_fitted_to_the_training_samples(table):
    table.with_name("noise.key").write_text(KEY)
    made = EmbeddingTable.load(table)
    unknown = made.labels["gender"].clone()
    unknown[:5] = -1
    replace(made, labels={"gender": unknown}).save(table)
    after = blind(table)
    x, label = made.embedding.double().numpy(), unknown.numpy()
    half = slice(N // 2)
    expected = fit_transport(x[half], label[half], components=3, sigma=0.5, steps=10, key=KEY)
    np.testing.assert_allclose(after.embedding, expected(x), atol=1e-6)
    assert set(after.learned_from) == {f"s{i}" for i in range(N // 2)}, "all decide on the components"
    assert KEY not in str(after.provenance)
    assert len(after.provenance["eraser's noise key"]) == 16


def test_a_saved_eraser_erases_other_tables_as_before(table):
    saved = table.with_name("eraser.safetensors")
    first = blind(table, f"--save_eraser={saved}")
    out, key = table.with_name("again.safetensors"), table.with_name("noise.key")
    command = [f"--eraser={saved}", f"--table={table}", f"--out={out}", f"--key_file={key}"]
    erase.main(command)
    again = EmbeddingTable.load(out)
    assert again.embedding.equal(first.embedding)
    assert again.provenance == first.provenance
    assert set(again.learned_from) == set(first.learned_from)
    with pytest.raises(UsageError, match="needs its key"):
        erase.main([*command[:2], f"--out={table.with_name('other')}"])
    key.write_text("22" * 32)
    with pytest.raises(UsageError, match="the key is not the one"):
        erase.main([*command, "--overwrite=true"])
    narrow = [f"--eraser={saved}", f"--table={out}", f"--out={table.with_name('o')}"]
    with pytest.raises(UsageError, match="is of 8 features, the table has 3"):
        erase.main(narrow)


@pytest.mark.parametrize("config", ["leace", "noise"])
def test_every_eraser_can_be_saved(table, config):
    saved = table.with_name("eraser.safetensors")
    first = run(table, f"--save_eraser={saved}", config=config, sensitive=config == "leace")
    stored = StoredEraser.load(saved)
    again = stored.eraser(EmbeddingTable.load(table).embedding.double().numpy())
    assert torch.from_numpy(again).float().equal(first.embedding)
    with pytest.raises(UsageError, match="eraser.safetensors is there already"):
        run(table.rename(table.with_name("y.safetensors")), f"--save_eraser={saved}", config="inlp")


def test_the_key_is_drawn_once_and_for_its_owner(table, capsys):
    key = table.with_name("keys") / "noise.key"
    first = blind(table, key=key).embedding
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text().strip() not in capsys.readouterr().out
    assert blind(table, "--overwrite=true", key=key).embedding.equal(first)
    key.unlink()
    assert not blind(table, "--overwrite=true", key=key).embedding.equal(first)
    key.write_text("not a key")
    with pytest.raises(UsageError, match="64 hexadecimal digits") as caught:
        blind(table, "--overwrite=true", key=key)
    assert "not a key" not in str(caught.value)


def test_a_transport_without_a_key_is_refused(table):
    with pytest.raises(UsageError, match="transport needs --key_file"):
        run(table, *FIXED, config="transport")
    with pytest.raises(UsageError, match="is read from --key_file, so that no list of commands shows it"):
        blind(table, "--options.key=ab")


def test_other_erasers_take_no_key(table):
    with pytest.raises(UsageError, match="leace adds no noise by a key, so no --key_file"):
        run(table, f"--key_file={table.with_name('k')}")
    assert not table.with_name("k").exists()


def people(table: Path) -> EmbeddingTable:
    """Two samples a subject, of whom a quarter is each of train, val, test and none; two attributes."""
    made = EmbeddingTable.load(table)
    subject = torch.arange(N) // 2
    names = tuple(f"p{i}" for i in range(N // 2))
    crossed = replace(
        made,
        embedding=made.embedding[subject * 2] + 0.3 * made.embedding,
        labels={"identity": subject, "gender": made.labels["gender"][subject * 2], "smiling": subject % 2},
        attributes={"identity": names, "gender": ("female", "male"), "smiling": ("no", "yes")},
        split=(subject % 3).to(torch.int8),
    )
    crossed.save(table)
    return crossed


def test_a_bound_chooses_on_validation_samples(table, capsys):
    made = people(table)
    options = "--options={components: [2, 4], sigmas: [0.0, 0.2], steps: 10}"
    more = [options, f"--key_file={table.with_name('k')}"]
    after = run(table, "--bound=0.2", *more, config="transport")
    told = after.provenance
    assert told["eraser's settings chosen on"] == "val"
    assert told["eraser's bound"] == "0.2 of verification AUC"
    assert "on 67 validation subjects" in told["eraser's verification loss"]
    assert after.embedding.shape[1] in (2, 4)
    assert f"{after.embedding.shape[1]} components" in told["eraser's settings"]
    learned = made.sample_id[(made.split != 2).numpy()]
    assert set(after.learned_from) == set(learned), "validation subjects decided, too"
    assert "auc_loss" in capsys.readouterr().out
    with pytest.raises(UsageError, match="no setting has a verification loss of at most -1"):
        run(
            table,
            "--bound=-1",
            options,
            f"--key_file={table.with_name('k')}",
            "--overwrite=true",
            config="transport",
        )


def test_a_bound_chooses_the_weight_of_matching(table):
    made = people(table)
    options = "--options={dimensions: [4, 5], weights: [10], steps: 3}"
    after = run(table, "--bound=0.9", options, config="matching")
    told = after.provenance
    assert told["eraser's settings"] == f"{after.embedding.shape[1]} dimensions, weight 10"
    assert "on 67 validation subjects" in told["eraser's verification loss"]
    assert set(after.learned_from) == set(made.sample_id[(made.split != 2).numpy()])
    with pytest.raises(UsageError, match="matching adds no noise by a key"):
        run(table, options, f"--key_file={table.with_name('k')}", "--overwrite=true", config="matching")
    with pytest.raises(UsageError, match="matching has no option sigmas; it has dimensions, weights"):
        run(table, "--options={sigmas: [0]}", "--overwrite=true", config="matching")


@pytest.mark.parametrize("interval", [(-0.01, 0.03), (nan, nan)])
def test_a_loss_that_may_exceed_the_bound_is_warned_of(interval):
    found = ChosenEraser(None, "", pd.DataFrame(), 0.01, interval)
    with pytest.warns(UserWarning, match=r"on 3 validation subjects: this does not show .* at most 0\.02"):
        describe_loss(found, 0.02, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = describe_loss(found._replace(loss_interval=(-0.01, 0.02)), 0.02, 40)
    assert told == "0.0100 [-0.0100, 0.0200] on 40 validation subjects"


def test_several_attributes_are_crossed(table):
    made = people(table)
    out = table.with_name("both.safetensors")
    erase.main([f"--table={table}", f"--out={out}", "--method=leace", "--sensitive=[gender,smiling]"])
    after = EmbeddingTable.load(out)
    assert after.provenance["erased"] == "gender x smiling"
    assert after.attributes == made.attributes
    train = (made.split == 0).numpy()
    cell = (2 * made.labels["gender"] + made.labels["smiling"]).numpy()
    x, known = made.embedding.double().numpy(), cell[train]
    np.testing.assert_allclose(after.embedding, fit_leace(x[train], known)(x), atol=1e-5)


def test_a_crossed_cell_that_is_too_small_is_named(table):
    made = people(table)
    smiling = torch.where(made.labels["identity"] < 6, made.labels["smiling"], 0)
    replace(made, labels=made.labels | {"smiling": smiling}).save(table)
    key = f"--key_file={table.with_name('k')}"
    with pytest.raises(UsageError, match=r"fewer of class .*3 'male, yes'"):
        run(table, *FIXED, key, "--sensitive=[gender,smiling]", config="transport")


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
