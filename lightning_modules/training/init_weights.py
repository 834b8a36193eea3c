"""Start a training from the weights of another one's checkpoint."""

from collections.abc import Mapping
from typing import Any

from lightning_modules.training.base import RANDOM_BACKBONE, FaceModule
from storage.checkpoints import WeightsError, read_checkpoint


def init_weights_from(module: FaceModule, path: str, *, may_lack: str) -> None:
    """Copy the weights of a Lightning checkpoint into a module.

    Args:
        module: the module to load into.
        path: of the checkpoint.
        may_lack: prefix of the names of weights that the checkpoint need not have.

    Raises:
        WeightsError: the file is missing or damaged, its weights are not those of the module, or they were
            trained on another task, on classes that differ from the data's, be it in their order, or on
            images that were normalised in another way, which no weight shows.
    """
    try:
        checkpoint = read_checkpoint(path)
        module.check_classes(checkpoint, path)
        _check_normalisation(module, checkpoint, path)
        missing, unexpected = module.load_state_dict(checkpoint["state_dict"], strict=False)
    except WeightsError as error:
        raise WeightsError(f"start_from: {error}") from error
    except RuntimeError as error:  # shapes; torch lists them on lines of their own
        raise WeightsError(
            f"start_from: {path} is of another model; {str(error).splitlines()[-1].strip()}"
        ) from error
    if strange := [*unexpected, *(name for name in missing if not name.startswith(may_lack))]:
        raise WeightsError(f"start_from: {path} is of another model; {strange[0]} is not in both")
    module.backbone.random = bool(checkpoint.get(RANDOM_BACKBONE))


def _check_normalisation(module: FaceModule, checkpoint: Mapping[str, Any], path: str) -> None:
    options = checkpoint.get("hyper_parameters", {}).get("backbone_options")
    theirs = options.get("normalisation", "fixed") if isinstance(options, Mapping) else "fixed"
    ours = module.backbone.input_spec.normalisation
    if theirs != ours:
        raise WeightsError(
            f"{path} normalises images {theirs}, the new network {ours}; set it in backbone_options"
        )
