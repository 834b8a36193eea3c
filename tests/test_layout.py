"""The tests keep to a layout in which everything is found."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
MODULES = {path.relative_to(TESTS).as_posix(): path.read_text() for path in TESTS.rglob("*.py")}
# also in a string, such as a script that a test writes; test_isolation.py tests the hooks themselves
IMPORT = re.compile(r"(?:from|import|-m\"?,?) +\"?tests\b(?!\.support\b)[\w.]*(?: import \w+)?")
NAME = re.compile(r"^ *def (test_\w+)", re.MULTILINE)


def test_tests_import_only_their_support():
    assert {module: found for module, text in MODULES.items() if (found := IMPORT.findall(text))} == {}


def test_names_of_tests_are_at_most_60_characters():
    long = {module: [x for x in NAME.findall(text) if len(x) > 60] for module, text in MODULES.items()}
    assert {module: names for module, names in long.items() if names} == {}
