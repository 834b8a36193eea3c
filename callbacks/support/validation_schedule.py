"""Schedule of the callbacks that do not run in every validation."""

from pytorch_lightning import Trainer
from pytorch_lightning.trainer.states import TrainerFn

from callbacks.support.representation import is_rehearsal


def check_every(every_n_epochs: int) -> None:
    """Raise ValueError unless `every_n_epochs` is 1 or more."""
    if every_n_epochs < 1:
        raise ValueError(f"every_n_epochs is 1 or more, not {every_n_epochs}")


def is_due(trainer: Trainer, every_n_epochs: int) -> bool:
    """Return whether this validation belongs to an n-th epoch of the training, or to no training.

    The sanity check and a `fast_dev_run` are never due.
    """
    if trainer.sanity_checking or is_rehearsal(trainer):
        return False
    return trainer.state.fn != TrainerFn.FITTING or (trainer.current_epoch + 1) % every_n_epochs == 0
