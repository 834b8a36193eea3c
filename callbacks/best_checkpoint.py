"""Keeps the best checkpoint of a run, across the kills and starts of it too."""

import shutil
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities.rank_zero import rank_zero_only, rank_zero_warn

from storage.atomic import replace_file
from storage.checkpoints import WeightsError, read_checkpoint


class BestCheckpoint(ModelCheckpoint):
    """Lightning's, which in another folder forgets how good the best was, and takes the next for the best.

    Here what a run kept so far is copied to the folder in which it goes on, and what comes has to beat it.
    The files are taken from the folder of the checkpoint that is gone on from, under their names: its own
    word for where they are may be a stranger's. If one of them is gone, damaged or of another score than the
    checkpoint says, nothing is carried over and a warning says so; the next validation is then the best.
    """

    _source: Path | None = None

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Note the folder of the checkpoint that is gone on from; a test goes on with nothing."""
        fits = trainer.state.fn == TrainerFn.FITTING
        self._source = Path(trainer.ckpt_path).parent if fits and trainer.ckpt_path else None

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the state of a checkpoint."""
        if not self.dirpath or not self._source:
            return
        scores: dict[str, Any] = dict(state_dict["best_k_models"])
        kept = [path for path in dict.fromkeys([*scores, state_dict["best_model_path"]]) if path]
        faults = [fault for path in kept if (fault := self._fault(path, scores.get(path)))]
        if faults:
            rank_zero_warn(f"the best so far is not carried over, the next counts as the best: {faults[0]}")
            return
        state_dict = state_dict | {
            "dirpath": self.dirpath,
            "best_model_path": self._bring(state_dict["best_model_path"]),
            "kth_best_model_path": self._bring(state_dict["kth_best_model_path"]),
            "last_model_path": "",
            "best_k_models": {self._bring(path): score for path, score in scores.items()},
        }
        super().load_state_dict(state_dict)

    def _fault(self, path: str, score: Any) -> str | None:
        """What is wrong with a checkpoint that was kept; None if it can be gone on with."""
        file = self._there(path)
        if file.suffix != self.FILE_EXTENSION:
            return f"{file} is no {self.FILE_EXTENSION} file"
        try:
            found = read_checkpoint(file)
        except WeightsError as error:
            return str(error)
        state = found.get("callbacks", {}).get(self.state_key, {})
        if score is not None and not _equal(state.get("current_score"), score):
            return f"{file} is of another score than {score}, which the checkpoint gone on from says"
        return None

    def _there(self, path: str) -> Path:
        """The file in the folder of the checkpoint that is gone on from."""
        assert self._source is not None
        return self._source / Path(path).name

    def _bring(self, path: str) -> str:
        """The path in the folder of now, to which the first process copies the file."""
        if not path:
            return path
        assert self.dirpath is not None
        here = Path(self.dirpath, Path(path).name)
        if not here.exists():
            _copy(self._there(path), here)
        return str(here)


def _equal(a: Any, b: Any) -> bool:
    return a is not None and torch.equal(torch.as_tensor(a).cpu(), torch.as_tensor(b).cpu())


@rank_zero_only
def _copy(old: Path, new: Path) -> None:
    """Copy a file, at once or not at all."""
    with open(old, "rb") as source:
        replace_file(new, lambda target: shutil.copyfileobj(source, target))
