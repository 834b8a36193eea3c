"""The command line of `recipes/compare.py`."""

from pathlib import Path
from typing import Literal

from datamodules.cropping.face_crop import Select
from evaluation.verification.pair_tiles import Metric
from recipes.command_line.errors import RecipeParser
from recipes.command_line.jobs import job_parser
from recipes.embedding.embed_options import add_embedder_arguments


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser("Compare two photographs: do they show the same person?")
    parser.add_argument("first", type=Path, help="A photograph.")
    parser.add_argument("second", type=Path, help="The other one.")
    add_embedder_arguments(parser)
    parser.add_argument(
        "--mode",
        type=Literal["auto", "align", "box", "none"],
        default="auto",
        help="auto: align for networks that read 112 pixels, else box; none: the photographs are crops.",
    )
    parser.add_argument("--margin", type=int, default=0, help="Pixels around the box; for --mode box.")
    parser.add_argument("--select", type=Select, default="largest", help="Which of several faces to take.")
    parser.add_argument("--mirror", type=bool, default=False, help="Add the mirrored image's embedding.")
    parser.add_argument("--metric", type=Metric, default="cosine", help="Scores of euclidean are negative.")
    parser.add_argument("--threshold", type=float | None, help="Lowest score that means the same person.")
    parser.add_argument("--threshold_source", type=str | None, help="Source of the threshold, in words.")
    parser.add_argument("--save_crops", type=Path | None, help="Folder to write the two crops to.")
    return parser
