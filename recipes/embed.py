"""Write the embedding table of a dataset, from a checkpoint of any method or from a bare backbone.

    python recipes/embed.py --config embed.yaml --ckpt runs/lntl/.../checkpoints/best.ckpt \\
        --config data/synthetic_faces.yaml --out phi.safetensors
    python recipes/embed.py --config embed.yaml --model.backbone onnx --model.weights recogniser.onnx \\
        --config data/celeba.yaml --data.init_args.root DIR --mirror true --out x.safetensors

The same command resumes an interrupted run. With several devices (--config hardware/ddp.yaml) the file is the
same, byte by byte, as with one device of their kind. With --shard i/n several machines share the work, and
the same command without it then writes the file (docs/shards.md).
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
from datamodules.jobs.job_shard import Shard
from datamodules.tables.embedding_file import read_header
from recipes.command_line.jobs import parse_job, run_resumable, usage_errors
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError
from recipes.embedding.embed_options import make_parser, make_trainer
from recipes.embedding.embedder import embedder_facts, load_embedder
from recipes.embedding.embedding_chunks import ChunkFolder
from recipes.embedding.embedding_job import EmbeddingJob
from recipes.embedding.embedding_source import EmbeddingSource
from recipes.embedding.training_samples import read_training_samples, training_facts
from storage.atomic import write_bytes
from storage.spreadsheet import csv_text


def is_finished(out: Path, provenance: dict[str, str], overwrite: bool) -> bool:
    """Return whether `out` is this table already; raise `UsageError` rather than replace anything else."""
    if not out.exists() or overwrite:
        return False
    try:
        if read_header(out).provenance == provenance:
            return True
    except DatasetError:
        pass
    raise UsageError(f"{out} is of something else; replace it with --overwrite true, or give another --out")


def write_left_out(source: EmbeddingSource, out: Path) -> None:
    """List, beside the table, the images that cannot be used; remove the list of an earlier table."""
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
    """Embed a shard, or all that is left and write the table."""
    folder, shard = job.folder, job.shard
    if job.finished:  # by another run in the meantime; the other processes wait for the news
        print(f"{out} was finished before, nothing to do")
        if trainer.world_size > 1:
            trainer.predict(job, return_predictions=False)
            trainer.strategy.barrier()
        return
    unfinished = folder.place.unfinished(folder.missing())
    if unfinished and shard is None and trainer.is_global_zero:
        print(f"{out}: {unfinished}")
    trainer.predict(job, return_predictions=False)
    trainer.strategy.barrier()
    if trainer.is_global_zero and shard is not None:
        print(f"{out}: {folder.place.after(shard, folder.missing())}")
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
    with usage_errors():
        shard = Shard.parse(config.shard) if config.shard is not None else None
        data: FaceDataModule = parser.instantiate(config).data
        trainer = make_trainer(dict(config.trainer))
    source = EmbeddingSource.build(data, config.splits)
    embedder = load_embedder(config.ckpt, **config.model)
    learned_from = None if config.ckpt is None else read_training_samples(Path(config.ckpt))
    provenance = {
        **embedder_facts(embedder, config.ckpt),
        **training_facts(learned_from),
        **source.provenance,
        "mirror": str(config.mirror).lower(),
        "precision": str(trainer.precision),
        "package": f"{DISTRIBUTION} {metadata.version(DISTRIBUTION)}",
    }
    # of several processes only the first decides, below: the others might see a later state
    if trainer.world_size == 1 and is_finished(out, provenance, config.overwrite):
        print(f"{out} was finished before, nothing to do")
        return
    machine = {"device": trainer.strategy.root_device.type, "torch": torch.__version__}
    folder = ChunkFolder(
        out.with_name(f"{out.name}.parts"),
        provenance | machine,
        source.sizes,
        data.batch_size,
        config.shard_size,
    )
    loading = {"mirror": config.mirror, "num_workers": data.num_workers}
    job = EmbeddingJob(embedder, source.datasets, folder, shard=shard, **loading)
    first = trainer.is_global_zero
    with folder.entered(shard) if first else nullcontext():
        job.finished = first and is_finished(out, provenance, config.overwrite)
        embed(trainer, job, source.learned_by(learned_from), provenance, out)
        if first and (job.finished or shard is None):
            folder.remove()


if __name__ == "__main__":
    run_resumable(main)
