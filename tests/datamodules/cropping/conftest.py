"""Processes that tests of cropping start."""

import multiprocessing
import sys
import types

import pytest


@pytest.fixture
def no_main(monkeypatch):
    """Processes that are started import the main module, which here is the whole of pytest."""
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))


@pytest.fixture
def forks():
    """Processes that start in no time, because all is imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.warm_process"])
    return context
