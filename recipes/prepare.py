"""Detect and crop the faces of a dataset once, so that training reads crops instead of photographs.

python recipes/prepare.py --config prepare/celeba.yaml --data.init_args.root DIR --out crops/celeba

The same command resumes an interrupted run. With --shard i/n several machines share the work, and the same
command without it then combines their results (docs/shards.md). Exit code 2 for a mistake or if there is no
crop at all, 3 if more than --max_failures images could not be read (the crops of the others are written all
the same).
"""

import os
import sys
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from jsonargparse.typing import NonNegativeInt, PositiveInt

from datamodules.cropping.crop_chunk import OK
from datamodules.cropping.crop_job import CropJob
from datamodules.cropping.crop_task import CropTask
from datamodules.cropping.crop_worker import load_detector
from datamodules.cropping.face_crop import CropOptions
from datamodules.file_faces import FileFaces
from datamodules.jobs.job_shard import Shard
from recipes.command_line.errors import RecipeParser
from recipes.command_line.jobs import job_parser, parse_job, run_resumable, usage_errors
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError

_BATCH = {"cpu": 16, "cuda": 64}  # images of one size; larger batches are slower on a CPU


@dataclass(kw_only=True)
class PrepareOptions:
    """Options of the command.

    Args:
        data: The dataset.
        out: Folder to write or to resume.
        device: Where faces are detected.
        processes: Number of processes; null: one for each core, 1 on a GPU.
        batch_size: Images at a time; null: 16, or 64 on a GPU.
        shard: i/n: do every n-th part of the work, from part i on.
        max_failures: Exit code 3 if more images than this cannot be read; an image without a face is no
            failure.
    """

    data: FileFaces
    out: Path
    device: Literal["auto", "cpu", "cuda"] = "auto"
    processes: PositiveInt | None = None
    batch_size: PositiveInt | None = None
    shard: str | None = None
    max_failures: NonNegativeInt | None = None


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser(
        "Detect and crop the faces of a dataset. The same command resumes an interrupted run."
    )
    parser.add_class_arguments(PrepareOptions)
    parser.add_class_arguments(CropOptions)
    return parser


def pick_device(asked: str) -> str:
    """Choose the device to detect on; raise `UsageError` if it does not exist."""
    if asked == "cuda" and not torch.cuda.is_available():
        raise UsageError("there is no GPU that PyTorch can use; leave out --device")
    return "cpu" if asked == "cpu" or not torch.cuda.is_available() else "cuda"


def main(args: list[str] | None = None) -> None:
    """Write the crops, the manifest and the list of images that were left out."""
    parser = make_parser()
    config = parse_job(parser, args)
    with usage_errors():
        shard = Shard.parse(config.shard) if config.shard is not None else None
        options = CropOptions(**{field.name: config[field.name] for field in fields(CropOptions)})
        data: FileFaces = parser.instantiate(config).data
    check_output(config.out, folder=True)
    device = pick_device(config.device)
    cores = len(os.sched_getaffinity(0))
    make_detector = partial(load_detector, device)
    task = CropTask(
        config.out.expanduser(),
        data.table.folder,
        data.table.file,
        options,
        make_detector,
        batch_size=config.batch_size or _BATCH[device],
        threads=cores if device == "cuda" else 0,
        shard=shard,
    )
    processes = config.processes or (cores if device == "cpu" else 1)
    done = CropJob(data.table, data.attributes, task, make_detector().parameters, processes).run()
    print("\n".join(done.lines()))
    if shard is None and not done.counts[OK]:
        raise UsageError(done.why_none())
    if config.max_failures is not None and done.failures > config.max_failures:
        print(f"error: more than {config.max_failures:,} images (--max_failures) failed", file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    run_resumable(main)
