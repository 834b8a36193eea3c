"""Draw a contact sheet of any dataset, with the labels under each face, before training on it.

python recipes/preview.py --config data/synthetic_faces.yaml --sort_by emotion
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from jsonargparse.typing import PositiveInt
from matplotlib.figure import Figure

from datamodules.base import FaceDataModule
from datamodules.contract import Attributes, FaceBatch, FaceDataset, Split
from datamodules.file_faces import FileFaces
from recipes.command_line.errors import RecipeParser, report_errors
from recipes.command_line.jobs import job_parser, parse_job, usage_errors
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser("Draw a contact sheet of a dataset, with the labels under each face.")
    parser.add_argument("--data", type=FaceDataModule, required=True, help="The dataset.")
    parser.add_argument("--out", type=Path, default=Path("preview.png"), help="PNG file to write.")
    parser.add_argument("--split", type=Split, default="train", help="train, val or test.")
    parser.add_argument("--rows", type=PositiveInt, default=6)
    parser.add_argument("--columns", type=PositiveInt, default=12)
    parser.add_argument(
        "--attributes", type=list[str] | None, help="As a,b or [a,b]; null: the first ones with few classes."
    )
    parser.add_argument(
        "--sort_by", type=str | None, help="Attribute to sort by: each row shows one of its classes."
    )
    return parser


def shown_attributes(known: Attributes, asked: Sequence[str] | None) -> list[str]:
    """Choose the attributes to print: those asked for, else identity and up to five of 2 to 10 classes."""
    few = [name for name, classes in known.items() if 2 <= len(classes) <= 10 and name != "identity"]
    names = list(asked) if asked else [*(["identity"] if "identity" in known else []), *few[:5]]
    for name in names:
        if name not in known:
            raise UsageError(f"the dataset has no attribute {name!r}; it has {', '.join(known)}")
    return names


def caption(name: str, classes: Sequence[str], label: int) -> str:
    """Write the caption of one attribute."""
    if label < 0:
        return f"{name} ?"
    if tuple(classes) == ("no", "yes"):
        return name if label else f"not {name}"
    return f"#{label}" if name == "identity" else classes[label]


def choose(dataset: FaceDataset, rows: int, columns: int, sort_by: str | None) -> FaceBatch:
    """Choose faces from the whole split; with `sort_by`, each row shows one class, in turn."""
    count = min(len(dataset), rows * columns * (8 if sort_by else 1))  # 8 times as many, to find each class
    spread = (torch.arange(count) * len(dataset)) // count
    batches = [dataset.__getitems__(part.tolist()) for part in spread.split(64)]
    batch = {k: torch.cat([b[k] for b in batches]) for k in batches[0]}
    if sort_by is None:
        return batch
    found = batch[sort_by].unique().tolist()
    members = [(batch[sort_by] == found[row % len(found)]).nonzero()[:, 0] for row in range(rows)]
    turns = [row // len(found) * columns for row in range(rows)]
    kept = torch.cat([m[turn : turn + columns] for m, turn in zip(members, turns, strict=True)])
    return {k: v[kept] for k, v in batch.items()}


def draw_sheet(batch: FaceBatch, names: Sequence[str], known: Attributes, rows: int, columns: int) -> Figure:
    """Draw the faces with the names of their classes below."""
    figure = Figure(figsize=(1.2 * columns, rows * (1.25 + 0.11 * len(names))), layout="constrained")
    for i, axis in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axis.axis("off")
        if i < len(batch["image"]):
            axis.imshow(batch["image"][i].permute(1, 2, 0).numpy())
            lines = "\n".join(caption(name, known[name], int(batch[name][i])) for name in names)
            axis.text(0.5, -0.03, lines, transform=axis.transAxes, ha="center", va="top", fontsize=6)
    return figure


def main(args: list[str] | None = None) -> None:
    """Write the contact sheet."""
    parser = make_parser()
    config = parse_job(parser, args)
    with usage_errors():
        datamodule: FaceDataModule = parser.instantiate(config).data
    check_output(config.out)
    known = datamodule.attributes
    names = shown_attributes(known, config.attributes)
    shown_attributes(known, config.sort_by and [config.sort_by])  # an unknown name stops here
    datamodule.prepare_data()
    batch = choose(datamodule.make_dataset(config.split), config.rows, config.columns, config.sort_by)
    if "image" not in batch:
        raise UsageError(f"{type(datamodule).__name__} holds no images to show")
    draw_sheet(batch, names, known, config.rows, config.columns).savefig(config.out, dpi=100)
    print(f"wrote {config.out}")
    if isinstance(datamodule, FileFaces):
        print("the sheet shows real faces: do not share it unless you hold the rights to")


if __name__ == "__main__":
    report_errors(main)
