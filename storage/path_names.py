"""Check names that become paths: those that would leave their folder are refused."""

from pathlib import PurePosixPath, PureWindowsPath


def folder_name(name: str) -> str:
    """Check the name of a folder inside another; it may have parts, such as `study/seed_1`.

    Raises:
        ValueError: it is empty or absolute, contains `..` or a control character.
    """
    paths = (PurePosixPath(name), PureWindowsPath(name))
    leaves = any(path.is_absolute() or path.drive or ".." in path.parts for path in paths)
    if leaves or not PurePosixPath(name).parts or not name.isprintable():
        raise ValueError(
            f"{name!r} is no name of a folder: give one without .., / in front or control characters"
        )
    return name


def file_name(name: str) -> str:
    """Check the name of a file in a folder.

    Raises:
        ValueError: as `folder_name`, and for separators.
    """
    if "/" in folder_name(name) or "\\" in name:
        raise ValueError(f"{name!r} is no name of a file: give one without / and \\")
    return name
