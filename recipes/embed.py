"""Write the embedding table of a dataset: by a checkpoint of any method, or by a bare backbone.

    python recipes/embed.py --config embed.yaml --ckpt runs/lntl/.../checkpoints/best.ckpt \\
        --config data/synthetic_faces.yaml --out phi.safetensors
    python recipes/embed.py --config embed.yaml --model.backbone onnx --model.weights recogniser.onnx \\
        --config data/celeba.yaml --data.init_args.root DIR --mirror true --out x.safetensors

Started again, it goes on where it stopped. With several devices (--config hardware/ddp.yaml) the file is the
same, byte by byte, as with one of their kind. With --shard i/n several machines share the work, and then the
same command without it writes the file (docs/shards.md).
"""

from contextlib import nullcontext
from importlib import metadata
from pathlib import Path

import pandas as pd
import torch
from pytorch_lightning import Trainer

from callbacks.run_record import DISTRIBUTION
from datamodules.base import FaceDataModule
from datamodules.errors import DatasetError
from datamodules.jobs.job_share import Share
from datamodules.tables.embedding_file import read_header
from recipes.command_line.errors import UsageError
from recipes.command_line.jobs import parse_job, run_resumable, users_mistakes
from recipes.command_line.output_path import check_output
from recipes.embedding.embed_options import make_parser, make_trainer
from recipes.embedding.embedder import embedder_facts, load_embedder
from recipes.embedding.embedding_job import EmbeddingJob
from recipes.embedding.embedding_shards import ShardFolder
from recipes.embedding.embedding_source import EmbeddingSource
from storage.atomic import write_bytes
from storage.spreadsheet import csv_text


def is_finished(out: Path, provenance: dict[str, str], overwrite: bool) -> bool:
    """Whether `out` is the table already; raises `UsageError` rather than replace anything else."""
    if not out.exists() or overwrite:
        return False
    try:
        if read_header(out).provenance == provenance:
            return True
    except DatasetError:
        pass
    raise UsageError(f"{out} is of something else; replace it with --overwrite true, or give another --out")


def write_left_out(source: EmbeddingSource, out: Path) -> None:
    """List, beside the table, the images that cannot be used; removes the list of an earlier table."""
    path = out.with_name(f"{out.name}.left_out.csv")
    path.unlink(missing_ok=True)
    if source.left_out:
        rows = pd.DataFrame(source.left_out, columns=["split", "sample_id", "reason"])
        write_bytes(path, csv_text(rows).encode(errors="backslashreplace"))
        total = len(source) + len(rows)
        print(f"left out {len(rows):,} of {total:,} images, which have no crop or cannot be read: {path}")


def embed(
    trainer: Trainer, job: EmbeddingJob, source: EmbeddingSource, provenance: dict[str, str], out: Path
) -> None:
    """Embed a shard; or what is left, then write the table."""
    folder, share = job.folder, job.share
    if job.finished:  # by another run meanwhile; the other processes wait to hear it
        print(f"{out} was finished before, nothing to do")
        if trainer.world_size > 1:
            trainer.predict(job, return_predictions=False)
            trainer.strategy.barrier()
        return
    unfinished = folder.place.unfinished(folder.missing())
    if unfinished and share is None and trainer.is_global_zero:
        print(f"{out}: {unfinished}")
    trainer.predict(job, return_predictions=False)
    trainer.strategy.barrier()
    if trainer.is_global_zero and share is not None:
        print(f"{out}: {folder.place.after(share, folder.missing())}")
    elif trainer.is_global_zero:
        write_left_out(source, out)
        source.table(folder.merge(), provenance).save(out)
        print(f"wrote {out}: {len(source):,} embeddings")


def main(args: list[str] | None = None) -> None:
    """Embed what is left, then write the table."""
    parser = make_parser()
    config = parse_job(parser, args)
    out = config.out.expanduser()
    check_output(out)
    with users_mistakes():
        share = Share.parse(config.shard) if config.shard is not None else None
        data: FaceDataModule = parser.instantiate(config).data
        trainer = make_trainer(dict(config.trainer))
    source = EmbeddingSource.build(data, config.splits)
    embedder = load_embedder(config.ckpt, **config.model)
    provenance = {
        **embedder_facts(embedder, config.ckpt),
        **source.provenance,
        "mirror": str(config.mirror).lower(),
        "precision": str(trainer.precision),
        "package": f"{DISTRIBUTION} {metadata.version(DISTRIBUTION)}",
    }
    # of several processes the first alone decides, below: the others might see another moment
    if trainer.world_size == 1 and is_finished(out, provenance, config.overwrite):
        print(f"{out} was finished before, nothing to do")
        return
    machine = {"device": trainer.strategy.root_device.type, "torch": torch.__version__}
    folder = ShardFolder(
        out.with_name(f"{out.name}.parts"),
        provenance | machine,
        source.sizes,
        data.batch_size,
        config.shard_size,
    )
    loading = {"mirror": config.mirror, "num_workers": data.num_workers}
    job = EmbeddingJob(embedder, source.datasets, folder, share=share, **loading)
    first = trainer.is_global_zero
    with folder.entered(share) if first else nullcontext():
        job.finished = first and is_finished(out, provenance, config.overwrite)
        embed(trainer, job, source, provenance, out)
        if first and (job.finished or share is None):
            folder.remove()


if __name__ == "__main__":
    run_resumable(main)
