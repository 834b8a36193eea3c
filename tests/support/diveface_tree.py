"""Writes a miniature DiveFace: the authors' lists and images, or the folders 4K_120."""

from pathlib import Path

from tests.support.noise_images import write_named_noise

LISTS = [f"Group{group}_{sex}" for group in (1, 2, 3) for sex in ("Female", "Male")]
FOLDERS = ["HA4K_120", "HB4K_120", "HN4K_120", "MA4K_120", "MB4K_120", "MN4K_120"]


def write_diveface(
    root: Path, people: int = 10, photos: int = 4, end: str = "\r\n", copied: bool = False
) -> dict[str, list[str]]:
    """The lines of each list.

    Two people of a list share an uploader, with two of the other gender: uploaders span people and lists.

    Args:
        root: gets `files/` and the images.
        people: of each list.
        photos: of every other person; the rest have one more.
        end: of the lines.
        copied: put the images into a folder named after each list, as create_diveface.py does.
    """
    lines: dict[str, list[str]] = {}
    for number, name in enumerate(LISTS):
        names = []
        for person in range(people):
            uploader = 10 * (number // 2) + person // 2
            identity = f"{10_000 + 7919 * uploader}@N{uploader % 10:02d}_identity_{10 * number + person}"
            names += [f"{identity}/{9 - i}{person}{number}_{i}.jpg" for i in range(photos + person % 2)]
        lines[name] = names
        for line in names:
            write_named_noise(root / (name if copied else "") / line)
    write_lists(root / "files", lines, end)
    return lines


def write_lists(folder: Path, lines: dict[str, list[str]], end: str = "\r\n") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in lines.items():
        (folder / f"{name}.txt").write_bytes("".join(row + end for row in rows).encode())


def write_diveface_folders(root: Path, people: int = 10, photos: int = 4, named: bool = False) -> list[str]:
    """The files written below root/4K_120, sorted; people are plain numbers, or `named` as in the lists."""
    files = []
    for number, folder in enumerate(FOLDERS):
        for person in range(people):
            name = f"{10_000 + person // 2}@N01_identity_{10 * number + person}" if named else f"{person:04d}"
            files += [f"{folder}/{name}/{i}.jpg" for i in range(photos)]
    for file in files:
        write_named_noise(root / "4K_120" / file)
    return sorted(files)
