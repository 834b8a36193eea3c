import pytest

from storage.code_digest import code_digest

CODE = '''"""Double a number."""

FACTOR = 2
"""By so much."""


class Doubler:
    """Doubles."""

    def __call__(self, x: int) -> int:
        """Return twice x."""
        return FACTOR * x  # by multiplication
'''


@pytest.fixture
def digest(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()

    def run(code: str = CODE, name: str = "package/a.py") -> str:
        (tmp_path / name).write_text(code)
        return code_digest(tmp_path, ["package", "alone.py"])

    return run


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Double a number.", "Multiply by two."),
        ("By so much.", "Times."),
        ("Doubles.", "Other words."),
        ('        """Return twice x."""\n', ""),
        ("  # by multiplication", ""),
        ("FACTOR * x", "(FACTOR   *   x)"),
    ],
)
def test_words_and_layout_do_not_count(digest, old, new):
    assert old in CODE
    assert digest(CODE.replace(old, new)) == digest()


@pytest.mark.parametrize(("old", "new"), [("FACTOR = 2", "FACTOR = 3"), ("* x", "+ x"), ("x: int", "y: int")])
def test_code_counts(digest, old, new):
    assert old in CODE
    assert digest(CODE.replace(old, new)) != digest()


def test_every_named_file_counts_and_no_other(digest, tmp_path):
    one = digest()
    two = digest(CODE, "package/b.py")
    now = digest(CODE, "alone.py")
    assert len({one, two, now}) == 3
    (tmp_path / "other.py").write_text("x = 1")
    (tmp_path / "package" / "notes.txt").write_text("x")
    assert digest() == now
    (tmp_path / "package" / "weights.safetensors").write_bytes(b"1")
    weighed = digest()
    (tmp_path / "package" / "weights.safetensors").write_bytes(b"2")
    assert len({now, weighed, digest()}) == 3
