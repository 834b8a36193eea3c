"""Run the notebooks of this folder, and write them with their outputs.

python docs/notebooks/run_notebooks.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent


def run_notebook(path: Path, timeout: int = 300) -> NotebookNode:
    """Run all cells in an empty folder and return the notebook with their outputs.

    Raises:
        CellExecutionError: a cell raises an error.
    """
    notebook = nbformat.read(path, as_version=4)
    with TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": folder}})
        client.record_timing = False  # so that running it again changes nothing
        client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":  # warnings of libraries name paths of this machine
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.ipynb")):
        nbformat.write(run_notebook(path), path)
        print(f"ran {path.name}")
