"""Writes a miniature CFEE."""

from pathlib import Path

import openpyxl
import xlwt

from tests.support.noise_images import write_named_noise

NAMES = {
    1: "Neutral", 2: "Happy", 3: "Sad", 4: "Fearful", 5: "Angry", 6: "Surprised", 7: "Disgusted",
    8: "Happily surprised", 10: "Awed",
}  # fmt: skip
"""Ids and names of the spreadsheet; 8 and up are made up, the real ones are not public."""

RANGES = ("01-04", "05-08", "09-12")


def write_cfee(
    root: Path, subjects: int = 30, ids: tuple[int, ...] = tuple(NAMES), sheet: str = "xls"
) -> Path:
    """The database's folder; each of the `subjects` shows each emotion of `ids` in one frame."""
    folder = root / "CFEE_Database_230"
    for subject in range(subjects):
        for emotion in ids:
            k = (emotion - 1) // 4
            name = f"{emotion:02d}_{101 + 7 * subject:03d}_{2000 + 31 * subject + emotion}.jpg"
            write_named_noise(folder / RANGES[k] / f"Images{k + 1}" / name, (60, 40))
    write_sheet(folder, sheet)
    return folder


def write_sheet(
    folder: Path, kind: str = "xls", rows: list[tuple] | None = None, name: str = "summary"
) -> Path:
    """The spreadsheet: a sheet of action units, then the summary with `rows` (a header and id, name, ...)."""
    if rows is None:
        rows = [("id", "emotion", "images"), *((i, text, 230) for i, text in NAMES.items())]
    path = folder / f"AU_annotation_all_subjects.{kind}"
    if kind == "csv":
        path.write_text(
            "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows)
        )
    elif kind == "xls":
        book = xlwt.Workbook()
        book.add_sheet("01").write(0, 0, "AU")
        sheet = book.add_sheet(name)
        for y, row in enumerate(rows):
            for x, cell in enumerate(row):
                sheet.write(y, x, cell)
        book.save(str(path))
    else:
        book = openpyxl.Workbook()
        book.active.title = "01"
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        book.save(path)
    return path
