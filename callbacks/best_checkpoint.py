"""Keeps the best checkpoint of a run, across the kills and starts of it too."""

import shutil
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities.rank_zero import rank_zero_only


class BestCheckpoint(ModelCheckpoint):
    """Lightning's, which in another folder forgets how good the best was, and takes the next for the best.

    Here what a run kept so far is copied to the folder in which it goes on, and what comes has to beat it. If
    a file of it is gone, nothing is carried over.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the state of a checkpoint."""
        kept = [*state_dict["best_k_models"], state_dict["best_model_path"]]
        if self.dirpath and all(map(self._is_kept, kept)):
            state_dict = state_dict | {
                "dirpath": self.dirpath,
                "best_model_path": self._bring(state_dict["best_model_path"]),
                "kth_best_model_path": self._bring(state_dict["kth_best_model_path"]),
                "last_model_path": "",
                "best_k_models": {self._bring(p): score for p, score in state_dict["best_k_models"].items()},
            }
        super().load_state_dict(state_dict)

    def _is_kept(self, path: str) -> bool:
        return not path or Path(path).is_file() or self._here(path).is_file()

    def _here(self, path: str) -> Path:
        assert self.dirpath is not None
        return Path(self.dirpath, Path(path).name)

    def _bring(self, path: str) -> str:
        """The path in the folder of now, to which the first process copies the file."""
        if path and not self._here(path).exists():
            _copy(Path(path), self._here(path))
        return str(self._here(path)) if path else path


@rank_zero_only
def _copy(old: Path, new: Path) -> None:
    """Copy a file, at once or not at all."""
    new.parent.mkdir(parents=True, exist_ok=True)
    part = new.with_suffix(".part")
    shutil.copyfile(old, part)
    part.replace(new)
