"""What callbacks expect the evaluation steps of a module to return."""

from typing import Any

from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.utilities.exceptions import MisconfigurationException


def check_outputs(
    callback: Callback, module: LightningModule, outputs: Any, names: tuple[str, str], instead: str
) -> None:
    """Raises MisconfigurationException unless an evaluation step returned a dict that holds `names`.

    Args:
        callback: which needs them.
        module: whose step it was.
        outputs: what the step returned.
        names: keys that the callback reads.
        instead: the kind of module that returns them.
    """
    if not isinstance(outputs, dict) or not set(names) <= outputs.keys():
        raise MisconfigurationException(
            f"{type(callback).__name__} needs the evaluation steps of {type(module).__name__} to return "
            f"{names[0]!r} and {names[1]!r}; remove the callback or use {instead}"
        )
