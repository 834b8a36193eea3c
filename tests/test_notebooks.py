"""The notebooks of the documentation run."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def _run_notebook(path: Path) -> nbformat.NotebookNode:
    spec = spec_from_file_location("run_notebooks", FOLDER / "run_notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.run_notebook(path, timeout=120)


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    cells = _code(_run_notebook(path))
    text = "".join(output.get("text", "") for cell in cells for output in cell.outputs)
    assert "gender" in text
