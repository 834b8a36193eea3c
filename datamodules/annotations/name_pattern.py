"""Read labels from the names of files and folders."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from datamodules.annotations.cell_text import normalize

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".pgm", ".ppm")


class NamePattern:
    """A regular expression whose named groups are the labels in the path of an image.

    Args:
        pattern: searched anywhere in a path.
        classes: for a group, the class name of each of its values; other groups are used as they are.

    Raises:
        ValueError: the pattern is not a regular expression, or lacks groups.
    """

    def __init__(self, pattern: str, classes: Mapping[str, Mapping[str, str]]) -> None:
        try:
            self.pattern = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"pattern: not a regular expression ({error}): {pattern}") from error
        self.columns, self.classes = list(self.pattern.groupindex), classes
        if not self.columns or "path" in self.columns:
            raise ValueError(f"pattern: needs groups such as (?P<identity>...), none named path: {pattern}")
        for name in classes:
            if name not in self.columns:
                raise ValueError(
                    f"classes: the pattern has no group {name!r}; it has {', '.join(self.columns)}"
                )

    def read(self, path: str) -> list[str]:
        """Return the text of each group, "" for one that did not match; raise ValueError with the reason."""
        if not path.isprintable() or "\\" in path:  # undecodable bytes are not printable either
            raise ValueError("the name has a backslash or unprintable characters")
        match = self.pattern.search(path)
        if match is None:
            raise ValueError("the pattern does not match")
        values = {name: normalize(text) for name, text in match.groupdict(default="").items()}
        for name, known in self.classes.items():
            if values[name] and values[name] not in known:
                raise ValueError(f"{name} is {values[name]!r}, not one of {', '.join(known)}")
            values[name] = known.get(values[name], "")
        return list(values.values())


def find_images(root: Path) -> list[str]:
    """List the image files below `root`, sorted; hidden ones are ignored.

    A terminal shows how many were found so far, as a network disk can take minutes.
    """

    def walk() -> Iterator[str]:
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(folder).relative_to(root).as_posix()
            for name in files:
                if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                    yield name if below == "." else f"{below}/{name}"

    columns = SpinnerColumn(), TextColumn("{task.description}: {task.completed:,} images")
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        return sorted(progress.track(walk(), description=f"Looking through {root}"))
