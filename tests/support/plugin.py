"""Fixtures and hooks that all tests share; `tests/conftest.py` registers them."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import wandb

from evaluation.plots import style
from recipes import make_manifest
from tests.support.celeba_tree import write_celeba
from tests.support.cfee_tree import write_cfee
from tests.support.diveface_tree import write_diveface
from tests.support.embedding_tree import write_embeddings
from tests.support.lfw_tree import write_lfw
from tests.support.manifest_trees import write_fer2013, write_manifest, write_utkface
from tests.support.mnist_tree import write_mnist
from tests.support.posed_tree import write_posed
from tests.support.process_state import process_restored
from tests.support.seeds import seed_all, seeded_apart


@pytest.fixture
def face_data_root() -> Path:
    """The folder of real data; a test that asks for it is skipped where there is none."""
    root = os.environ.get("FACE_DATA_ROOT")
    if not root:
        pytest.skip("FACE_DATA_ROOT is not set: no real faces on this machine")
    return Path(root)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests on real faces are slow as a group."""
    for item in items:
        if "face_data_root" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Leave what was imported out of garbage collections: 660,000 objects, half a second a time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Each test draws from a seed of its own, whatever ran before it."""
    seed_all(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
    """A fixture that several tests share draws the same for whichever of them comes first."""
    shared = fixturedef.scope != "function"
    with seeded_apart(f"{fixturedef.baseid}::{fixturedef.argname}") if shared else nullcontext():
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def print_dpi() -> Iterator[int]:
    """Draw small images, since drawing for print takes seconds; returns the dots per inch of print."""
    with pytest.MonkeyPatch.context() as patch:
        dpi = style.STYLE["savefig.dpi"]
        patch.setitem(style.STYLE, "savefig.dpi", 30)
        yield dpi


@pytest.fixture(autouse=True)
def _own_process():
    with process_restored():
        yield


@pytest.fixture(autouse=True)
def _no_wandb_account(monkeypatch):
    """No test may write to the account of whoever runs it, nor leave a run for the next test to continue."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", os.devnull)
    yield
    wandb.teardown()  # finishes, and forgets the settings that it took from this test's environment


def _write_utkface(root: Path) -> None:
    """The images, and the manifest that the converter makes of their names."""
    write_utkface(root)
    make_manifest.main(["--config=manifest/utkface.yaml", f"--root={root}", f"--out={root}/manifest.csv"])


_TREES = {
    "celeba": lambda root: write_celeba(root, count=24),
    "cfee": write_cfee,
    "colored_mnist": write_mnist,
    "diveface": write_diveface,
    "embeddings": write_embeddings,
    "fer2013": write_fer2013,
    "lfw": write_lfw,
    "manifest": write_manifest,
    "posed_expressions": write_posed,
    "synthetic_faces": lambda root: None,  # drawn, not read
    "utkface": _write_utkface,
}


@pytest.fixture
def dataset_tree(tmp_path) -> Callable[[str], Path]:
    """Writes a miniature of the dataset of `configs/data/<name>.yaml` and says where."""

    def write(name: str) -> Path:
        _TREES[name](tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def celeba_tree(tmp_path) -> Path:
    """A miniature CelebA; 80 images a split fill every cell of attractiveness, gender and smiling."""
    write_celeba(tmp_path / "celeba", count=240)
    return tmp_path / "celeba"
