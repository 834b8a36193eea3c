"""Keep the best checkpoint of a run, also when it is resumed in another folder."""

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
    """Carry the best checkpoints of a run over to the folder in which it is resumed.

    Lightning's own class forgets the best score in another folder, and takes the next checkpoint for the
    best. Here the files that the run kept are copied to the new folder, and later ones must beat them. They
    are looked up by name in the folder of the checkpoint that is resumed: the paths that it stores are not
    trusted. If one is missing, damaged or has a score other than the checkpoint says, nothing is carried
    over, with a warning, and the next validation counts as the best.
    """

    _source: Path | None = None

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Note the folder of the checkpoint that a fit resumes; a test resumes nothing."""
        fits = trainer.state.fn == TrainerFn.FITTING
        self._source = Path(trainer.ckpt_path).parent if fits and trainer.ckpt_path else None

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Resume from the state of a checkpoint."""
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
        """Describe the fault of a kept checkpoint; None if it can be used."""
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
        """Return the path of the file in the folder of the resumed checkpoint."""
        assert self._source is not None
        return self._source / Path(path).name

    def _bring(self, path: str) -> str:
        """Return the path in the new folder, to which the first process copies the file."""
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
    """Copy a file atomically."""
    with open(old, "rb") as source:
        replace_file(new, lambda target: shutil.copyfileobj(source, target))
