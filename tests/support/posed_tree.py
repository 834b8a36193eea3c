"""Writes miniature photographs of posed expressions, and the sheet of their ratings."""

from pathlib import Path

import xlwt

from tests.support.noise_images import write_named_noise

SEEN = ("happy", "sad", "angry", "disgusted", "fearful", "surprised")
HEADER = [
    ["file_name", "Self_evaluate", "Observer_Count", "counterMax", *[""] * 5, "intVal", *[""] * 5],
    ["", "", "", *SEEN, *SEEN],
]


def posed_names(subjects: int = 10) -> list[str]:
    """Two neutral faces and, acted in each of three ways, six expressions of each subject; no 4th subject."""
    names = []
    for subject in [s for s in range(1, subjects + 2) if s != 4]:
        neutral = "0" if subject == 2 else "a"  # in the release, some have a digit
        names += [f"{subject:02d}01{neutral}{number:02d}.jpg" for number in (2, 5)]
        names += [f"{subject:02d}{acting}1{letter}01.jpg" for acting in (1, 2, 3) for letter in "bcdefg"]
    return sorted(names)


def write_posed(root: Path, subjects: int = 10) -> Path:
    """The folder of the images; all are rated as what was acted, neutral faces as happy."""
    folder = root / "faces_256x256"
    for name in posed_names(subjects):
        write_named_noise(folder / name, (32, 32))
    others = ["0112b01", "0113b01"]  # other views, of which no image is there
    write_sheet(root, {name: shares_of(name) for name in [*posed_names(subjects), *others]})
    return folder


def shares_of(name: str) -> list[float]:
    """.9 for what was acted."""
    seen = max("bcdefg".find(name[4]), 0)
    return [0.9 if i == seen else 0.02 for i in range(6)]


def write_sheet(root: Path, ratings: dict[str, list], header: list[list[str]] = HEADER) -> Path:
    """The sheet, whose file names are those of TIFF files with the letter a for every neutral face."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Image_info")
    rows = [[f"{name[:4]}{'a' if name[4] == '0' else name[4]}{name[5:7]}.tif", 8.5, 100, *shares, *[1.0] * 6]
            for name, shares in ratings.items()]  # fmt: skip
    for y, row in enumerate([*header, *rows]):
        for x, cell in enumerate(row):
            if cell not in ("", None):
                sheet.write(y, x, cell)
    path = root / "Image_info.xls"
    book.save(str(path))
    return path
