"""Write checkpoints atomically, and check them when they are read."""

import zipfile
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from storage.atomic import replace_file
from storage.checkpoints import WeightsError, verify_checksums


class SafeCheckpointIO(TorchCheckpointIO):
    """Write checkpoints beside their target and rename them; compare them with their checksums when reading.

    Lightning writes to the temporary folder, and copies the file if that is on another device: a process that
    is killed while it copies leaves half a checkpoint in place of a complete one.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint file atomically."""
        if storage_options is not None:
            raise TypeError(f"{type(self).__name__} takes no storage_options")
        replace_file(Path(path), lambda file: torch.save(checkpoint, file))

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any = lambda storage, _: storage,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Read a checkpoint file.

        Raises:
            WeightsError: its bytes differ from those that were written.
        """
        try:
            verify_checksums(Path(path))
        except zipfile.BadZipFile as error:
            raise WeightsError(f"{path} is damaged: {error}") from error
        return super().load_checkpoint(path, map_location, weights_only)
