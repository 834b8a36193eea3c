"""Read the key of the noise from a file, or draw it once."""

import os
from pathlib import Path

from evaluation.erasers.keyed_noise import check_key, draw_key
from recipes.command_line.jobs import usage_errors
from recipes.command_line.usage_error import UsageError


def read_key(path: Path, *, draw: bool) -> str:
    """Read a key, 64 hexadecimal digits.

    Args:
        path: file of the key, which only its owner should be able to read.
        draw: where there is no file, draw a key and write it, for its owner alone to read.

    Raises:
        UsageError: there is no file and none is to be drawn, it cannot be read or written, or it holds no
            key; the message does not print its content.
    """
    try:
        if draw and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(draw_key() + "\n")
            print(f"drew a key of the noise: {path}; who has it can remove the noise")
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise UsageError(f"--key_file {path}: {error.strerror}") from error
    with usage_errors():
        try:
            return check_key(text)
        except ValueError as error:
            raise ValueError(f"--key_file {path}: {error}") from error
