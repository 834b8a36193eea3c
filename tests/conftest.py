"""Fixtures that several folders share."""

import os
from pathlib import Path

import pytest
import wandb

from tests.datamodules.celeba_tree import write_celeba


@pytest.fixture
def face_data_root() -> Path:
    """The folder of real data; a test that asks for it is skipped where there is none."""
    root = os.environ.get("FACE_DATA_ROOT")
    if not root:
        pytest.skip("FACE_DATA_ROOT is not set: no real faces on this machine")
    return Path(root)


@pytest.fixture(autouse=True)
def _no_wandb_account(monkeypatch, tmp_path):
    """No test may write to the account of whoever runs it, nor leave a run for the next test to continue."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    yield
    wandb.finish()


@pytest.fixture
def celeba_tree(tmp_path) -> Path:
    """A miniature CelebA; 80 images a split fill every cell of attractiveness, gender and smiling."""
    write_celeba(tmp_path / "celeba", count=240)
    return tmp_path / "celeba"
