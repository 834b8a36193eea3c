"""Write the manifest of a folder of images whose file or folder names hold their labels.

python recipes/make_manifest.py --config manifest/utkface.yaml --root UTKFace --out UTKFace/manifest.csv
python recipes/make_manifest.py --root photos --out photos/manifest.csv --pattern '^(?P<identity>[^/]+)/'
"""

import csv
import io
from pathlib import Path

from datamodules.annotations.name_pattern import SUFFIXES, NamePattern, find_images
from recipes.command_line.errors import RecipeParser, report_errors
from recipes.command_line.jobs import job_parser, parse_job, usage_errors
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError
from storage.atomic import write_bytes
from storage.spreadsheet import as_cell

_PATTERN = "Regular expression to search in the path of each image below root; named groups become columns."


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser("Write the manifest of a folder of images whose paths hold their labels.")
    parser.add_argument("--root", type=Path, required=True, help="Folder of the images.")
    parser.add_argument("--out", type=Path, required=True, help="CSV file to write.")
    parser.add_argument("--pattern", type=str, required=True, help=_PATTERN)
    parser.add_argument(
        "--classes", type=dict[str, dict[str, str]], default={}, help="Class names of the values of a group."
    )
    parser.add_argument("--overwrite", type=bool, default=False, help="Replace a file of other content.")
    return parser


def write_csv(path: Path, rows: list[list[str]], overwrite: bool) -> None:
    """Write a file atomically; raise `UsageError` rather than replace a file of other content."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    content = text.getvalue().encode("utf-8", errors="backslashreplace")
    if path.exists() and path.read_bytes() != content and not overwrite:
        raise UsageError(f"{path} says otherwise; replace it with --overwrite true, or give another --out")
    try:
        write_bytes(path, content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error


def main(args: list[str] | None = None) -> None:
    """Write the manifest and, beside it, the list of the images that it leaves out."""
    config = parse_job(make_parser(), args)
    with usage_errors():
        pattern = NamePattern(config.pattern, config.classes)
    check_output(config.out)
    if not config.root.is_dir():
        raise UsageError(f"there is no folder {config.root}")
    rows, skipped = [["path", *pattern.columns]], [["path", "reason"]]
    for path in find_images(config.root):
        try:
            rows.append([path, *pattern.read(path)])
        except ValueError as reason:
            skipped.append([path, str(reason)])
    if len(rows) == 1:
        kinds = " ".join(SUFFIXES)
        found = (
            f"none of {len(skipped) - 1:,} images fits, first {': '.join(skipped[1])}" if skipped[1:] else ""
        )
        raise UsageError(f"{config.root}: {found or f'no images ({kinds})'}; nothing is written")
    write_csv(config.out, rows, config.overwrite)
    print(f"wrote {config.out}: {len(rows) - 1:,} images with {', '.join(pattern.columns)}")
    leftover = config.out.with_name(f"{config.out.name}.skipped.csv")
    leftover.unlink(missing_ok=True)  # of an earlier run
    if skipped[1:]:
        write_csv(leftover, [[as_cell(text) for text in row] for row in skipped], overwrite=True)
        print(f"left out {len(skipped) - 1:,} images, listed with the reasons in {leftover}")


if __name__ == "__main__":
    report_errors(main)
