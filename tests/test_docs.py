"""The documentation speaks of what there is: code, files, configurations and options."""

import re
import shlex
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

from recipes.command_line.config_lookup import CONFIGS, resolve_configs

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
CODE = re.compile(r"`([a-z_/]+)\.py::([A-Za-z_.]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
RECIPE = re.compile(r"python (recipes/[a-z_]+\.py)((?:\\\n|[^`\n])*)")
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_code_that_is_named_exists(page):
    for module, name in CODE.findall(page.read_text()):
        found = import_module(module.replace("/", "."))
        assert reduce(getattr, name.split("."), found), name


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_that_are_linked_exist(page):
    for link in LINK.findall(page.read_text()):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_name_recipes_and_configurations_that_exist(page):
    text = page.read_text()
    for recipe, rest in RECIPE.findall(text):
        assert (ROOT / recipe).is_file(), recipe
        words = shlex.split(rest.replace("\\\n", " "), comments=True)
        given = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--config"]
        for name in given:
            if f"# configs/{name}\n" in text or ("/" in name and not (CONFIGS / name).parent.is_dir()):
                continue  # a file of the reader's, such as runs/.../config.yaml
            if "<" not in name and name != "NAME.yaml":
                assert Path(resolve_configs(["--config", name])[1]).is_file(), f"{recipe} --config {name}"


def test_the_tutorial_has_commands_that_a_shell_can_read():
    lines = [x[4:] for x in (ROOT / "docs" / "tutorial.md").read_text().splitlines() if x.startswith("    ")]
    assert len([line for line in lines if line.startswith("python recipes/")]) == 6
    for line in lines:
        assert shlex.split(line)


def test_every_method_has_a_page():
    methods = {path.stem for path in CONFIGS.glob("*.yaml")} - {"defaults", "embed", "compare"}
    told = (
        "".join(page.read_text() for page in ROOT.glob("docs/methods/*.md"))
        + (ROOT / "README.md").read_text()
    )
    assert all(f"{name}.yaml" in told for name in methods), methods
