"""The audit through the real command, on a small table whose leaks are known."""

import json
import os
import resource
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from evaluation.audit import sections as audit_sections
from recipes import audit
from recipes.auditing.representation_tables import load_representations
from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.errors import report_errors
from recipes.command_line.usage_error import UsageError
from recipes.runs.folder_lock import folder_lock
from tests.support.process_state import process_restored
from tests.support.small_audits import FAST, make_table


@pytest.fixture
def tables(tmp_path, blank_figures):
    """x, which shows who smiles, and phi, which does not and has fewer samples."""
    return _write(tmp_path)


def _write(folder: Path) -> Path:
    make_table(6.0).save(folder / "x.safetensors")
    make_table(0.0).take(torch.arange(6, 360)).save(folder / "phi.safetensors")
    return folder


def _run(folder, *more: str) -> int:
    paths = {"before": "x.safetensors", "after": "phi.safetensors", "out": "out"}
    given = [f"--{name}={folder / path}" for name, path in paths.items()]
    try:
        report_errors(lambda: audit.main([*given, *FAST, *more]))
    except SystemExit as stopped:
        return stopped.code
    return 0


@pytest.fixture(scope="module")
def audited(tmp_path_factory) -> tuple[Path, str]:
    """The folder of an audit of these tables, and what the command printed."""
    folder = _write(tmp_path_factory.mktemp("audited"))
    with process_restored(), redirect_stdout(StringIO()) as printed:
        assert _run(folder, "--sensitive=smiling") == 0
    return folder / "out", printed.getvalue()


def test_a_leak_that_is_removed_is_found_before_and_not_after(audited) -> None:
    out, printed = audited
    numbers = json.loads((out / "numbers.json").read_text())
    leakage = pd.DataFrame(numbers["sections"]["strongest"]).set_index("representation")
    assert leakage.loc["x", "balanced_accuracy"] > 0.95
    assert leakage.loc["phi", "low"] < 0.5 < leakage.loc["phi", "high"]
    permutation = pd.DataFrame(numbers["sections"]["permutation"]).set_index(["representation", "hypothesis"])
    for hypothesis in ("readable at all", "beyond identity"):
        assert permutation["significant"]["x", hypothesis]
        assert permutation["p_holm"]["phi", hypothesis] > 0.05
    (verdict,) = numbers["verdicts"]
    assert verdict["level"] == "not found"
    assert verdict["removed"] > 85
    assert numbers["facts"]["samples of the tables"] == "360 of x; phi has 354 of them"
    assert numbers["facts"]["tested"].startswith("240 samples of 40 people")
    assert numbers["facts"]["x: model"] == "drawn <b>"
    assert (np.array(numbers["sections"]["verification"]["auc"]) > 0.9).all()
    words = " ".join(printed.split())
    assert "smiling was not found in phi: the strongest attacker" in words
    assert "report.html" in words
    assert "drawn &lt;b&gt;" in (out / "report.html").read_text()


@pytest.mark.slow
def test_started_again_it_goes_on_where_it_stopped(tables, monkeypatch) -> None:
    calls = []
    real = audit_sections.run_tests

    def killed_at_the_second(*arguments):
        calls.append(len(calls))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(audit_sections, "run_tests", killed_at_the_second)
    assert _run(tables, "--sensitive=smiling") == 130
    assert not (tables / "out" / "report.html").exists()
    monkeypatch.setattr(audit_sections, "cross_fitted_leakage", None)  # of x it is cached
    with pytest.raises(TypeError):
        _run(tables, "--sensitive=smiling", "--folds=4")
    assert _run(tables, "--sensitive=smiling") == 0, "all leakage was measured before it was killed"
    assert len(calls) == 3, "one shuffle test was there, one is done anew"
    monkeypatch.setattr(audit_sections, "run_tests", None)
    first = (tables / "out" / "report.html").read_bytes()
    assert _run(tables, "--sensitive=smiling") == 0
    assert (tables / "out" / "report.html").read_bytes() == first


@pytest.mark.slow
def test_the_classifiers_of_the_permutation_test_attack_as_well(tables) -> None:
    table = make_table(0.0)
    one, two = torch.randn(2, 360, generator=torch.Generator().manual_seed(0)).sign()
    crossed = torch.cat([3 * torch.stack([one, two], 1), table.embedding[:, 1:5]], dim=1)
    labels = table.labels | {"smiling": (one * two > 0).long()}
    for name in ("x", "phi"):
        replace(table, embedding=crossed, labels=labels).save(tables / f"{name}.safetensors")
    assert _run(tables, "--sensitive=smiling") == 0
    numbers = json.loads((tables / "out" / "numbers.json").read_text())
    leakage = pd.DataFrame(numbers["sections"]["leakage"]).groupby("attacker")["balanced_accuracy"].max()
    assert leakage["linear"] < 0.65
    assert leakage["kernel_rbf"] > 0.8
    assert set(numbers["sections"]["strongest"]["attacker"]) == {"kernel_rbf"}
    assert {x["level"] for x in numbers["verdicts"]} == {"readable"}


@pytest.mark.slow
def test_attributes_of_few_classes_are_audited_by_default(tables) -> None:
    assert _run(tables, "--permutations=0") == 0
    numbers = json.loads((tables / "out" / "numbers.json").read_text())
    assert numbers["attributes"] == ["smiling", "gender"]
    general = [c["text"] for c in numbers["caveats"] if c["attribute"] is c["representation"] is None]
    assert general[1:] == ["uploader has 20 classes among the samples tested and was left out."]
    assert general[0].startswith("Quick settings")


@pytest.mark.slow
def test_whom_the_errors_hit(tables) -> None:
    more = ["--group=gender", "--fmr_target=0.01", "--target=gender", "--biases=[0.5,0.9]", "--bias=0.8"]
    more += ["--sensitive=smiling", "--downstream_draws=2"]
    for name, leak in (("x", 6.0), ("phi", 0.0)):
        table = make_table(leak)
        split = torch.from_numpy(np.arange(60) % 3).to(torch.int8)[table.labels["identity"]]
        replace(table, split=split).save(tables / f"{name}.safetensors")
    assert _run(tables, *more, "--leakage_at_most=0.8") == 0
    sections = json.loads((tables / "out" / "numbers.json").read_text())["sections"]
    assert sections["demographic_rates"]["group"] == ["gender_0", "gender_1"] * 2
    assert set(sections["dose_response"]["bias"]) == {0.5, 0.8, 0.9}
    assert set(sections["downstream"]["group"]) >= {"smiling: smiling_0", "smiling: smiling_1"}
    assert len(sections["dose_slopes"]["slope"]) == 2 * 5
    assert sections["candidates"]["representation"] == ["x", "phi"]
    assert sections["candidates"]["val_leakage"][0] > 0.9
    page = (tables / "out" / "report.html").read_text()
    assert "Who pays?" in page
    assert "points of gap for 10 of bias" in page
    assert _run(tables, *more, "--leakage_at_most=0") == 0
    again = json.loads((tables / "out" / "numbers.json").read_text())["sections"]
    assert again["candidates"] == sections["candidates"], "a limit changes no measurement"
    for found, limit, name in ((sections, "0.8", "phi"), (again, "0", None)):
        chosen = dict(zip(found["selection"]["rule"], found["selection"]["representation"], strict=True))
        assert len(chosen) == 7
        assert chosen[f"most accuracy with leakage <= {limit}"] == name
    assert "none qualifies" not in page
    assert "none qualifies" in (tables / "out" / "report.html").read_text()


@pytest.mark.slow
def test_a_collapsed_representation_is_called_one(tables) -> None:
    table = make_table(6.0)
    constant = torch.ones_like(table.embedding) + 1e-7 * table.embedding[:, :1]
    replace(table, embedding=constant).save(tables / "tiny.safetensors")
    replace(table, embedding=torch.ones_like(constant)).save(tables / "one.safetensors")
    more = [f"--after={tables / name}.safetensors" for name in ("tiny", "one")]
    assert _run(tables, "--sensitive=smiling", "--tsne=50", "--suppression_draws=1", *more) == 0
    numbers = json.loads((tables / "out" / "numbers.json").read_text())
    for name in ("tiny", "one"):
        found = [c["text"] for c in numbers["caveats"] if c["representation"] == name]
        assert any(text.startswith("Few directions") for text in found)
        assert any(text.startswith("Tiny scale") for text in found)
    sentences = {x["representation"]: x["sentence"] for x in numbers["verdicts"]}
    assert "was not found in one" in sentences["one"]
    assert "verification collapsed with it" in sentences["one"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--sensitive=smiling", "--target=smiling"], "a target needs a sensitive attribute of two classes"),
        (
            ["--sensitive=smiling", "--target=gender", "--balance=smiling"],
            "a target needs a sensitive attribute of two classes beside gender and smiling",
        ),
        (["--target=gender", "--balance=age"], "there is no attribute 'age'"),
        (["--leakage_at_most=0.6"], "leakage_at_most is about the classifiers of a target"),
        (["--sensitive=age"], "there is no attribute 'age'; there are gender, smiling, uploader"),
        (["--splits=[val]"], "no sample is in val"),
        (["--folds=1"], "folds is 1"),
        (["--attackers=[gpt]"], "attackers"),
        (["--after=lost.safetensors"], "lost.safetensors: no such embedding table"),
        (["--after=x=nowhere.safetensors"], "the representations are called x, phi, x; tell them apart"),
        (["--config=audit/defualt"], "did you mean audit/default.yaml"),
        (["--sensitive=smiling", "--group=gender"], "takes 30,000 impostor pairs"),
    ],
)
def test_mistakes_are_one_line(tables, capsys, monkeypatch, more, message) -> None:
    monkeypatch.chdir(tables / "..")
    assert _run(tables, *more) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error")]
    assert message in line
    assert not (tables / "out" / "report.html").exists()


def test_names_come_from_the_file_or_from_the_command_line(tmp_path) -> None:
    table = make_table(1.0, people=6)
    for name in ("a", "b=c", "d"):
        table.save(tmp_path / f"{name}.safetensors")
    representations, _ = load_representations(
        str(tmp_path / "a.safetensors"),
        [f"B={tmp_path / 'a.safetensors'}", str(tmp_path / "b=c.safetensors")],
    )
    assert list(representations.embeddings) == ["a", "B", "b=c"]


@pytest.mark.parametrize("renamed", ["attribute", "class"])
def test_names_that_differ_in_control_characters_are_refused(tmp_path, renamed) -> None:
    table = make_table(1.0, people=6)
    alike = ("a\x01", "a\x02")
    name, column = next((k, v) for k, v in table.labels.items() if len(table.attributes[k]) == 2)
    rest = {key: value for key, value in table.labels.items() if key != name}
    if renamed == "attribute":
        labels, classes = rest | dict.fromkeys(alike, column), dict.fromkeys(alike, table.attributes[name])
    else:
        labels, classes = rest | {name: column}, {name: alike}
    attributes = {key: table.attributes[key] for key in rest} | classes
    replace(table, labels=labels, attributes=attributes).save(tmp_path / "a.safetensors")
    with pytest.raises(UsageError, match="cannot be told apart: 'a\ufffd'"):
        load_representations(str(tmp_path / "a.safetensors"), [])


def test_several_tables_join_in_the_order_of_the_first(tmp_path) -> None:
    table = make_table(1.0, people=6)
    order = torch.from_numpy(np.random.default_rng(0).permutation(36))
    table.take(order[:30]).save(tmp_path / "a.safetensors")
    table.take(order.flip(0)).save(tmp_path / "b.safetensors")
    table.take(order[5:]).save(tmp_path / "c.safetensors")
    paths = [str(tmp_path / f"{name}.safetensors") for name in "abc"]
    found, facts = load_representations(paths[0], paths[1:])
    first = order[:30].numpy()
    assert found.sample_id.tolist() == table.sample_id[first].tolist()
    assert found.identity.tolist() == table.labels["identity"].numpy()[first].tolist()
    for name, embedding in found.embeddings.items():
        has = found.present(name)
        np.testing.assert_array_equal(embedding[has], table.embedding.numpy()[first][has])
        assert np.flatnonzero(~has).tolist() == ([0, 1, 2, 3, 4] if name == "c" else [])
    assert "identity" not in found.labels
    assert facts["samples of the tables"] == (
        "30 of a; b has 30 of them, and 6 others; c has 25 of them, and 6 others"
    )


def test_a_table_that_knows_nobody_is_audited_with_a_caveat(tables) -> None:
    table = make_table(6.0, people=30)
    del table.labels["identity"], table.attributes["identity"]
    for name in ("x", "phi"):
        table.save(tables / f"{name}.safetensors")
    assert _run(tables, "--sensitive=smiling", "--permutations=0") == 0
    numbers = json.loads((tables / "out" / "numbers.json").read_text())
    assert "verification" not in numbers["sections"]
    assert any("nobody knows whose they are" in c["text"] for c in numbers["caveats"])
    assert _run(tables, "--sensitive=smiling", "--group=gender") == 2, "there are no pairs"


@pytest.mark.slow
def test_what_is_printed_is_no_markup(tables, capsys) -> None:
    table = make_table(6.0, people=30)
    names = {"[red]smiling[/red]": table.labels["smiling"], "identity": table.labels["identity"]}
    classes = {"[red]smiling[/red]": ("no", "yes"), "identity": table.attributes["identity"]}
    replace(table, labels=names, attributes=classes).save(tables / "x.safetensors")
    replace(table, labels=names, attributes=classes).save(tables / "phi.safetensors")
    assert _run(tables, "--permutations=0") == 0
    assert "[red]smiling[/red] is" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("path", sorted((CONFIGS / "audit").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_names_its_command_and_is_read(path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 30
    assert any(f"python recipes/audit.py --config audit/{path.name}" in x for x in lines if x.startswith("#"))
    config = audit.make_parser().parse_args([f"--config={path}", "--before=x", "--out=y"])
    for name, value in yaml.safe_load(path.read_text()).items():
        assert config[name] == value


@pytest.mark.slow
def test_an_audit_of_other_attackers_replaces_the_earlier_one(tables) -> None:
    out = tables / "out"
    assert _run(tables, "--sensitive=smiling", "--suppression_draws=1") == 0
    (out / "figures" / "mine.svg").write_text("mine")
    assert (out / "figures" / "suppression_1.svg").is_file()
    assert _run(tables, "--sensitive=smiling") == 0
    assert (out / "figures" / "leakage_1.svg").is_file()
    assert not [path for path in out.rglob("*suppression*") if out / "cache" not in path.parents]
    assert (out / "figures" / "mine.svg").read_text() == "mine"


@pytest.mark.slow
def test_the_table_the_page_and_the_sentence_give_one_share(audited) -> None:
    out, _ = audited
    numbers = json.loads((out / "numbers.json").read_text())
    gone = pd.DataFrame(numbers["sections"]["removed"]).set_index("attacker")["removed"]
    (verdict,) = numbers["verdicts"]
    assert verdict["removed"] == gone["strongest"] <= 100
    assert f"{verdict['removed']:.1f} % [" in verdict["sentence"]
    assert f"{verdict['removed']:.1f} %" in (out / "tables" / "summary.md").read_text()


def test_a_folder_that_another_audit_holds_is_refused(tables, capsys) -> None:
    with folder_lock(tables / "out", "audit"):
        assert _run(tables, "--sensitive=smiling") == 2
    error = capsys.readouterr().err
    assert f"another audit works in {tables / 'out'} (process {os.getpid()} of" in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_earlier_report_stays(tables, capsys) -> None:
    out = tables / "out"
    assert _run(tables, "--sensitive=smiling") == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "lock"}
    capsys.readouterr()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (1000, limits[1])
        )  # a write beyond it fails, as on a full disk
        assert _run(tables, "--sensitive=gender") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    error = capsys.readouterr().err
    assert str(out) in error
    assert len(error.splitlines()) == 1
    assert {path: path.read_bytes() for path in before} == before
    assert _run(tables, "--sensitive=gender") == 0


def test_an_output_that_is_a_file_or_strangers_is_one_line(tables, capsys) -> None:
    (tables / "file").write_text("mine")
    (tables / "site").mkdir()
    (tables / "site" / "report.html").write_text("mine")
    for out in ("file", "site"):
        assert _run(tables, "--sensitive=smiling", f"--out={tables / out}") == 2
        error = capsys.readouterr().err
        assert str(tables / out) in error
        assert len(error.splitlines()) == 1
    assert (tables / "file").read_text() == (tables / "site" / "report.html").read_text() == "mine"
