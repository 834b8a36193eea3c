"""The library: arrays of every type give one audit, and mistakes are one line."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from blindface import audit
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.audit.settings import AuditSettings
from evaluation.leakage.access import access_leakage
from recipes import audit as audit_command
from tests.support.class_maps import ClassMaps, unit_embeddings
from tests.support.marks import slow
from tests.support.small_audits import FAST, make_table

FAST_KEYWORDS = {
    "attackers": ["linear"],
    "scalings": ["standardised"],
    "folds": 3,
    "tune": False,
    "learning_curve": False,
    "access": False,
    "information": False,
    "suppression_draws": 0,
    "tsne": 0,
    "seed": 1,
}
N = 120


@pytest.fixture(scope="module")
def arrays() -> dict:
    """Sixty subjects of two samples; a feature of X shows the gender, and none of Z."""
    rng = np.random.default_rng(0)
    gender = rng.integers(2, size=N)
    x = rng.normal(size=(N, 5))
    z = x.copy()
    x[:, 0] += 6 * gender
    return {"x": x, "z": z, "gender": gender, "subjects": np.arange(N) // 2}


def quick(arrays, x=None, gender=None, **more):
    given = {"subjects": arrays["subjects"], **FAST_KEYWORDS, "permutations": 0} | more
    x = arrays["x"] if x is None else x
    return audit(x, {"gender": arrays["gender"] if gender is None else gender}, **given)


@pytest.fixture(scope="module")
def result(arrays):
    more = {"after": {"hidden": arrays["z"]}}
    return quick(arrays, gender=np.array(["female", "male"])[arrays["gender"]], **more)


@pytest.fixture(scope="module")
def plain(arrays):
    """The audit of NumPy arrays, which those of every other type must equal."""
    return quick(arrays)


def test_a_leak_is_found_before_and_not_after(result):
    table = result.to_frame().set_index("representation")
    assert table.loc["before", "balanced_accuracy"] > 0.95
    assert table.loc["before", "level"] == "readable"
    assert table.loc["hidden", "low"] < 0.5 < table.loc["hidden", "high"]
    assert table.loc["hidden", "level"] == "not found"
    assert table.loc["hidden", "removed"] > 80
    assert result.audit.classes == {"gender": ("female", "male")}


def test_the_result_is_text_tables_and_a_page(result, tmp_path):
    assert len(result.summary().splitlines()) == 3
    assert "gender was not found in hidden" in result.verdict()
    path = result.to_html(tmp_path / "new" / "report.html")
    page = path.read_text()
    assert "ender was not found in hidden" in page
    assert 'src="figures/' not in page, "it stands alone"
    assert "AuditResult of gender in before, hidden" in repr(result)


def _same(one, other) -> bool:
    columns = ["balanced_accuracy", "low", "high"]
    return np.allclose(one.to_frame()[columns], other.to_frame()[columns])


@pytest.mark.parametrize(
    "labels",
    [
        lambda g: np.where(g == 1, "male", "female"),
        lambda g: torch.from_numpy(g),
        slow(lambda g: pd.Series(np.where(g == 1, "male", "female"), dtype="category")),
        slow(lambda g: pd.Series(g == 1, dtype="boolean")),
        slow(lambda g: (2 * g - 1).astype(np.float32)),
        slow(lambda g: g.tolist()),
    ],
)
def test_labels_of_every_type_give_the_same_figures(arrays, plain, labels):
    assert _same(quick(arrays, gender=labels(arrays["gender"])), plain)


@pytest.mark.parametrize(
    "convert",
    [
        pd.DataFrame,
        lambda x: torch.from_numpy(x).requires_grad_(),
        slow(torch.from_numpy),
        slow(lambda x: x.tolist()),
        slow(np.asfortranarray),
        slow(lambda x: pd.DataFrame(x).convert_dtypes()),
    ],
)
def test_embeddings_of_every_type_give_the_same_figures(arrays, plain, convert):
    assert _same(quick(arrays, convert(arrays["x"])), plain)


@pytest.mark.parametrize("half", [torch.bfloat16, slow(torch.float16), slow(torch.int8)])
def test_embeddings_of_few_bits_are_read(arrays, half):
    found = quick(arrays, torch.from_numpy(3 * arrays["x"]).to(half)).to_frame()
    assert found["balanced_accuracy"].item() > 0.95


def test_unknown_labels_and_subjects_are_left_unknown(arrays):
    gender = pd.Series(np.where(arrays["gender"] == 1, "male", "female"), dtype=object)
    gender[[3, 5]], gender[7] = None, np.nan
    subjects = np.array([f"id{place}" for place in arrays["subjects"]], dtype=object)
    subjects[:2] = None
    found = quick(arrays, gender=gender, subjects=subjects)
    assert found.audit.frames["leakage"]["n"].item() == N - 3
    assert "Of 2 of the 120 samples nobody knows whose they are" in found.verdict()


def test_splits_and_blocks_reach_the_audit(arrays):
    splits = np.where(np.arange(N) < 40, "train", "test")
    found = quick(arrays, splits=splits, blocks=np.arange(N) // 4)
    assert found.audit.frames["leakage"]["n"].item() == 80
    assert "subjects that the table marks as not seen" in found.audit.facts["tested"]
    assert found.representations.block.tolist() == (np.arange(N) // 4).tolist()


@pytest.mark.slow
def test_subjects_that_were_learned_from_are_refused_or_said(arrays):
    splits = np.where(np.arange(N) < 40, "train", "test")
    more = {"splits": splits, "after": {"hidden": arrays["z"]}}
    whole = dict.fromkeys(("before", "hidden"), splits == "train")
    checked = quick(arrays, learned_from=whole, **more)
    assert "that no representation learned from" in checked.audit.facts["tested"]
    one_image = whole | {"hidden": np.arange(N) == 40}
    with pytest.raises(ValueError, match="hidden learned from 1 of the 40 subjects tested"):
        quick(arrays, learned_from=one_image, **more)
    assert (
        "warning: Seen in training: hidden"
        in quick(arrays, learned_from=one_image, allow_seen=True, **more).verdict()
    )


@pytest.mark.slow
def test_the_command_and_the_library_measure_the_same(tmp_path):
    table = make_table(6.0)
    table.save(tmp_path / "x.safetensors")
    paths = [f"--before={tmp_path / 'x.safetensors'}", f"--out={tmp_path / 'out'}"]
    audit_command.main([*paths, *FAST, "--sensitive=smiling"])
    printed = json.loads((tmp_path / "out" / "numbers.json").read_text())["sections"]["leakage"]
    found = audit(
        table.embedding,
        {"smiling": np.array(table.attributes["smiling"])[table.labels["smiling"]]},
        subjects=table.labels["identity"],
        splits=np.array(["train", "val", "test"])[table.split],
        **FAST_KEYWORDS | {"permutations": 39},
    )
    assert found.to_frame()["balanced_accuracy"].item() == printed["balanced_accuracy"][0]


@pytest.mark.slow
def test_a_cache_is_used_again(arrays, tmp_path, monkeypatch):
    first = quick(arrays, cache=tmp_path / "cache")
    monkeypatch.setattr("evaluation.audit.sections.cross_fitted_leakage", None)
    assert _same(quick(arrays, cache=str(tmp_path / "cache")), first)
    with pytest.raises(TypeError, match="NoneType"):
        quick(arrays)


def _with_nan(x):
    x = x.copy()
    x[[4, 9], 1] = np.nan
    return x


MISTAKES = {
    "another length": (lambda a: {"gender": a["gender"][:5]}, r"gender is \(5,\), X has 120 rows"),
    "subjects": (lambda a: {"subjects": a["subjects"][:5]}, r"subjects is \(5,\), X has 120 rows"),
    "after": (lambda a: {"after": {"z": a["z"][:9]}}, r"after\['z'\] has 9 rows, X has 120"),
    "no mapping": (lambda a: {"after": a["z"]}, "after must be a dict of arrays, such as"),
    "before twice": (lambda a: {"after": {"before": a["z"]}}, "called 'before', as X is"),
    "nan": (lambda a: {"x": _with_nan(a["x"])}, r"X has NaN or infinity in 2 of 120 rows, row 4, 9; l"),
    "nan after": (lambda a: {"after": {"z": _with_nan(a["z"])}}, r"after\['z'\] has NaN or infinity in 2"),
    "complex": (lambda a: {"x": a["x"] + 1j}, "X holds complex numbers"),
    "objects": (lambda a: {"x": a["x"].astype(object)}, "X holds Python objects"),
    "text": (lambda a: {"x": a["x"].astype(str)}, "X holds text"),
    "one axis": (lambda a: {"x": a["x"][:, 0]}, r"X is \(120,\), it must be \(samples, features\); one feat"),
    "empty": (lambda a: {"x": a["x"][:0]}, r"X is \(0, 5\): there is nothing in it"),
    "ragged": (lambda a: {"x": [[1.0], [1.0, 2.0]]}, "X: its rows are of different lengths"),
    "column": (lambda a: {"x": pd.DataFrame({"a": a["x"][:, 0], "b": "?"})}, "column 'b' holds no numbers"),
    "one class": (lambda a: {"gender": ["female"] * N}, "gender has only the class 'female' in 120 samples"),
    "all unknown": (lambda a: {"gender": [None] * N}, "gender has no known value"),
    "measured": (lambda a: {"gender": a["x"][:, 1]}, "gender has 120 different numbers that are not whole"),
    "twins": (lambda a: {"gender": [1, "1"] * (N // 2)}, "two classes that are both written '1'"),
    "one value": (lambda a: {"gender": "female"}, "gender must be an array of 120 values, it is str"),
    "split": (lambda a: {"splits": ["trian"] * N}, "splits holds 'trian'; .* did you mean train?"),
    "attackers": (lambda a: {"attackers": ["svm"]}, "attackers are some of linear, .* these are"),
    "type": (lambda a: {"folds": "five"}, "folds is 'five', it must be int"),
    "range": (lambda a: {"folds": 1}, "folds is 1, it must be 2 or more"),
    "index": (
        lambda a: {"x": pd.DataFrame(a["x"]), "gender": pd.Series(a["gender"]).sort_values()},
        "the index of gender is not that of X",
    ),
    "mask": (lambda a: {"learned_from": {"before": a["gender"]}}, r"\['before'\] must be booleans"),
    "no such name": (lambda a: {"learned_from": {"z": a["gender"] == 1}}, "no representation 'z'; there"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line(arrays, mistake):
    change, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=message) as caught:
        quick(arrays, **change(arrays))
    assert "\n" not in str(caught.value)


def test_attributes_must_be_named(arrays):
    for attributes in (arrays["gender"], {}):
        with pytest.raises(ValueError, match="attributes"):
            audit(arrays["x"], attributes)
    frame = pd.DataFrame({"gender": arrays["gender"]})
    assert audit(arrays["x"], frame, **FAST_KEYWORDS | {"permutations": 0}).audit.attributes == ("gender",)


def test_an_unknown_setting_names_the_nearest(arrays):
    with pytest.raises(TypeError, match="audit has no setting 'permutation'; did you mean permutations?"):
        quick(arrays, permutation=3)


@pytest.mark.parametrize(
    "values", [{"seed": np.int64(4)}, slow({"biases": (0.5, 0.7)}), slow({"sensitive": ("gender",)})]
)
def test_settings_may_be_of_numpy_or_tuples(arrays, values):
    settings = quick(arrays, **values).audit.settings
    ((name, value),) = values.items()
    assert settings[name] == (list(value) if isinstance(value, tuple) else value)
    assert set(settings) == set(vars(AuditSettings()))


def test_the_package_is_imported_without_the_heavy_libraries():
    code = (
        "import sys, time; start = time.time(); import blindface; took = time.time() - start; "
        "heavy = {'torch', 'pandas', 'sklearn', 'matplotlib', 'numpy'} & set(sys.modules); "
        "print(took < 2, heavy, set(blindface.__all__) <= set(dir(blindface)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "set()", "True"]
    with pytest.raises(ImportError):
        from blindface import nothing  # noqa: F401


def test_an_embedding_table_may_be_given_by_its_columns():
    table: EmbeddingTable = make_table(6.0, people=30)
    found = audit(table.embedding, {"smiling": table.labels["smiling"]}, subjects=table.labels["identity"],
                  **FAST_KEYWORDS | {"permutations": 0})  # fmt: skip
    assert found.to_frame()["balanced_accuracy"].item() > 0.95


@pytest.mark.slow
def test_an_attacker_may_know_the_eraser(tmp_path):
    samples, fitted = unit_embeddings(people=90), unit_embeddings(people=1000, seed=1)
    maps = ClassMaps(fitted.embedding, fitted.label)
    erased = {"phi": maps.erase(samples.embedding, samples.label)}
    given = {**FAST_KEYWORDS, "permutations": 0, "access": True, "after": erased, "cache": tmp_path}
    given |= {"subjects": samples.identity}
    about = (samples.embedding, {"class": samples.label})
    known = audit(*about, erasers={"phi": maps}, **given)
    access = known.audit.frame("access", representation="phi").set_index(["access", "attacker"])
    table = access_leakage(
        samples._replace(embedding=erased["phi"].astype(np.float32)), "white box", samples.embedding,
        maps=maps, folds=3, seed=1,
    )  # fmt: skip
    read = access.loc["white box", "balanced_accuracy"]
    assert read.tolist() == pytest.approx(table["balanced_accuracy"].tolist(), abs=0.02)
    assert "the eraser without the key of its noise (white box)" in known.verdict()
    without = audit(*about, **given)
    assert "white box" not in set(without.audit.frame("access")["access"])
    assert "an attacker who knows the eraser was not tested" in without.verdict()
    within = known.audit.frame("verification_within", attribute="class")
    assert within["representation"].tolist() == ["before", "phi"]
    assert (within["impostor"] < known.audit.frame("verification", metric="cosine")["impostor"]).all()
