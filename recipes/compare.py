"""Compare two photographs: do they show the same person?

    python recipes/compare.py A.jpg B.jpg --config compare.yaml
    python recipes/compare.py A.jpg B.jpg --config compare.yaml --ckpt runs/.../checkpoints/best.ckpt \\
        --threshold 0.38 --threshold_source "FMR 1e-3 on CelebA's test subjects"

Finds the face in each photograph, crops it as recipes/prepare.py does and compares the embeddings. A decision
needs a threshold from you: the right one depends on the network, the crops and the population, and
recipes/audit.py measures it. No face is written to disk unless --save_crops names a folder.
"""

from pathlib import Path

import numpy as np
import torch
from jsonargparse import Namespace
from PIL import Image

from datamodules.cropping.crop_worker import load_detector
from datamodules.cropping.face_crop import CropOptions
from evaluation.verification.lfw_protocol import PairRows, listed_scores
from lightning_modules.training.base import FaceModule
from recipes.command_line.errors import report_errors
from recipes.command_line.jobs import parse_job, usage_errors
from recipes.command_line.output_path import check_output
from recipes.command_line.usage_error import UsageError
from recipes.embedding.compare_options import make_parser
from recipes.embedding.embedder import embedding_of, load_embedder
from recipes.embedding.photo_face import PhotoFace, read_face

_ALIGNED = 112  # input size in pixels of networks that read faces aligned by landmarks


def read_faces(config: Namespace, embedder: FaceModule) -> list[PhotoFace]:
    """Read and crop the faces of both photographs."""
    size = embedder.backbone.input_spec.input_size
    mode = {"auto": "align" if size == _ALIGNED else "box", "none": "box"}.get(config.mode, config.mode)
    with usage_errors():
        options = CropOptions(mode=mode, margin=config.margin, select=config.select)
    detector = None if config.mode == "none" else load_detector("cpu")
    return [read_face(path, options, detector) for path in (config.first, config.second)]


@torch.inference_mode()
def embed(embedder: FaceModule, crop: np.ndarray, mirror: bool) -> torch.Tensor:
    """Embed a crop (H, W, 3) as (1, D)."""
    image = torch.from_numpy(crop.copy()).permute(2, 0, 1)[None]
    return embedding_of(embedder, image, mirror)


def save_crops(folder: Path, faces: list[PhotoFace]) -> None:
    """Write both crops as PNG."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, face in zip(("first.png", "second.png"), faces, strict=True):
            Image.fromarray(face.crop).save(folder / name)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from error
    print(f"wrote the crops to {folder}; they show faces, do not share them unless you hold the rights to")


def verdict(score: float, threshold: float | None, source: str | None) -> list[str]:
    """Word the decision about a score."""
    if threshold is None:
        return ["no decision: give --threshold, and --threshold_source to say where it is from"]
    decision = "one person" if score >= threshold else "two people"
    return [f"threshold {threshold:.4f} ({source or 'no source given'})", f"decision: {decision}"]


def main(args: list[str] | None = None) -> None:
    """Compare and print."""
    config = parse_job(make_parser(), args)
    if config.threshold_source is not None and config.threshold is None:
        raise UsageError("--threshold_source says where a threshold is from: give --threshold too")
    if config.save_crops is not None:
        check_output(config.save_crops, folder=True)
    embedder = load_embedder(config.ckpt, **config.model)
    if embedder.backbone.reads != "image":
        raise UsageError("the network reads embeddings, not images: give another --ckpt or --model.backbone")
    if embedder.backbone.random:
        print("the network has random weights, which nobody trained: its score says nothing of the people")
    faces = read_faces(config, embedder)
    for path, face in zip((config.first, config.second), faces, strict=True):
        print(f"{path}: {face.about}")
    embedding = torch.cat([embed(embedder, face.crop, config.mirror) for face in faces])
    pair = PairRows(np.array([0]), np.array([1]), np.array([True]), np.array([0]))
    with usage_errors():
        score = float(listed_scores(embedding, pair, config.metric)[0])
    name = {"cosine": "cosine", "euclidean": "minus the Euclidean distance"}[config.metric]
    print(f"score {score:.4f} ({name})")
    print("\n".join(verdict(score, config.threshold, config.threshold_source)))
    if config.save_crops is not None:
        save_crops(config.save_crops.expanduser(), faces)


if __name__ == "__main__":
    report_errors(main)
