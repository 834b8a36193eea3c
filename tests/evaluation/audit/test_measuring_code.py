"""The code whose change makes an audit or a study measure again: what computes, not what words or colours."""

import re
import shutil
from pathlib import Path

import grimp
import pytest

import evaluation
from evaluation.audit import measuring_code
from evaluation.audit.measuring_code import MEASURING, measuring_digest
from recipes.reproducing import reproduce_keys
from recipes.reproducing.reproduce_keys import CODE, recipe_digest

ROOT = Path(evaluation.__file__).resolve().parents[1]
PACKAGES = ("recipes", "lightning_modules", "datamodules", "callbacks", "evaluation", "storage")

DATA = ["embed", "prepare", "train"]
CHANGES = {  # file, before, after; the recipes that run again, and whether an audit measures again
    "a docstring": ("evaluation/leakage/cross_fitted_leakage.py", '"""', '"""Other words. ', [], False),
    "a colour": ("evaluation/plots/style.py", r"#[0-9a-f]{6}", "#123456", [], False),
    "the verdict's words": ("evaluation/audit/verdict.py", "not found", "not seen", [], False),
    "a formula": ("evaluation/leakage/reduction.py", r"100 \*", "99 *", ["audit", "train"], True),
    "an eraser": ("evaluation/erasers/pca.py", r"kept\.T @ kept", "kept.T @ kept * 1", ["erase"], False),
    "a method": ("lightning_modules/lntl.py", r"return ", "return None or ", ["embed", "train"], False),
    "a sweep's table": ("recipes/sweeping/sweep_table.py", r"return ", "return None or ", [], False),
    "a command": ("recipes/embed.py", r"\n\n\ndef main", "\n\nx = 1\n\n\ndef main", ["embed"], False),
    "crops": ("datamodules/cropping/face_crop.py", r"return ", "return None or ", DATA, False),
}  # fmt: skip


@pytest.fixture
def copied(tmp_path, monkeypatch) -> Path:
    """A copy of the code, which the digests are of."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(reproduce_keys, "REPOSITORY", tmp_path)
    monkeypatch.setattr(measuring_code, "_EVALUATION", tmp_path / "evaluation")
    yield tmp_path
    recipe_digest.cache_clear()


def digests() -> tuple[dict[str, str], str]:
    recipe_digest.cache_clear()
    return {recipe: recipe_digest(recipe) for recipe in CODE}, measuring_digest()


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_what_runs_again_after_a_change(change, copied):
    file, old, new, recipes, measured = CHANGES[change]
    before, audit = digests()
    text, count = re.subn(old, new, (copied / file).read_text(), count=1)
    assert count == 1
    (copied / file).write_text(text)
    after, audit_after = digests()
    assert sorted(recipe for recipe in CODE if after[recipe] != before[recipe]) == recipes
    assert (audit_after != audit) == measured


NOT_MEASURING = {  # imported by the modules that measure
    "evaluation.audit.cache": "keeps what was measured",
    "evaluation.audit.measuring_code": "the list itself",
}


def test_every_module_that_measuring_imports_is_in_the_list():
    graph = grimp.build_graph("evaluation", cache_dir=None)
    measures = ["sections", "downstream_section", "identification_section", "rows", "drawn_rows"]
    roots = [f"evaluation.audit.{name}" for name in measures] + ["evaluation.verification.listed_pairs"]
    used = set(roots).union(*(graph.find_upstream_modules(root) for root in roots))
    paths = {name: name.replace(".", "/").removeprefix("evaluation/") + ".py" for name in used}
    left_out = {name for name, path in paths.items() if not path.startswith(tuple(_files(MEASURING)))}
    assert left_out - NOT_MEASURING.keys() == {x for x in left_out if _is_package(x)}


def _files(parts):
    return [part if part.endswith(".py") else f"{part}/" for part in parts]


def _is_package(name: str) -> bool:
    return (ROOT / name.replace(".", "/") / "__init__.py").exists()


def test_everything_in_the_lists_exists():
    assert all((ROOT / "evaluation" / part).exists() for part in MEASURING)
    assert all((ROOT / part).exists() for parts in CODE.values() for part in parts)
