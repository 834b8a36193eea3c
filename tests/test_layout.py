"""The tests keep to a layout in which everything is found."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MODULES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*.py"))
# also in a string, as of a script that a test writes
IMPORT = re.compile(r"(?:from|import|-m\"?,?) +\"?tests\b(?!\.(?:support|conftest)\b)[\w.]*(?: import \w+)?")


@pytest.mark.parametrize("module", MODULES)
def test_tests_import_only_their_support(module):
    assert IMPORT.findall((TESTS / module).read_text()) == []
