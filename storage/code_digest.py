"""Hash code by what it computes, as a key for caches of its results."""

import ast
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from storage.checksums import file_sha256

_SUFFIXES = (".py", ".safetensors")


def code_digest(root: Path, parts: Sequence[str]) -> str:
    """Hash Python modules and shipped weights.

    Comments, docstrings and layout do not count; the text of a string that the code uses does.

    Args:
        root: a folder.
        parts: files below it, or folders, all of whose modules count; missing ones are skipped.

    Raises:
        SyntaxError: a module is not valid Python.
    """
    digest = hashlib.sha256()
    for part in sorted(set(parts)):
        path = root / part
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.suffix in _SUFFIXES:
                digest.update(f"{file.relative_to(root).as_posix()} {_file_digest(file)}\n".encode())
    return digest.hexdigest()


def _file_digest(file: Path) -> str:
    if file.suffix != ".py":
        return file_sha256(file)
    return _source_digest(file.read_text(encoding="utf-8"), str(file))


@lru_cache(maxsize=4096)  # parsing all modules takes half a second, and every audit asks
def _source_digest(source: str, name: str) -> str:
    tree = ast.parse(source, name)
    return hashlib.sha256(ast.dump(_WithoutDocstrings().visit(tree)).encode()).hexdigest()


class _WithoutDocstrings(ast.NodeTransformer):
    """Drop strings that stand alone: docstrings of modules, classes, functions and attributes."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)
