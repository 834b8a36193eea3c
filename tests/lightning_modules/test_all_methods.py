"""No method escapes the tests of all methods."""

import pkgutil

import lightning_modules
from tests.support.methods import METHODS


def test_every_method_is_in_the_table():
    modules = {name for _, name, package in pkgutil.iter_modules(lightning_modules.__path__) if not package}
    assert {method.kind.__module__.partition(".")[2] for method in METHODS.values()} == modules
