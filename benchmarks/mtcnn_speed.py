"""Time face detection, and compare its results with facenet-pytorch's MTCNN on each image alone.

    python -m benchmarks.mtcnn_speed --lfw DIR --celeba DIR [--images 128 --rounds 5] [--processes]

DIR is any folder of JPEG files: LFW's are taken at 250 x 250, CelebA's at 178 x 218 pixels. Both sides take
turns, 16 images each, with one compute thread; the clock is the processor time of the process, without
decoding. Prints the median and range over the rounds of the package's time divided by ours, and a line of
JSON for each folder. `--processes` also divides wall clocks: the package in one process with two threads by
two processes of ours with one thread each; this needs two idle cores.
"""

import json
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image

from benchmarks.operations import count_operations
from benchmarks.options import make_parser
from benchmarks.timing import faster, per_item, take_turns, use_up
from datamodules.cropping.face_detector import FaceDetector, Faces

BATCH = 16
SIZES = {"lfw": (250, 250), "celeba": (178, 218)}  # width, height


def read(folder: Path, count: int, size: tuple[int, int]) -> np.ndarray:
    """Read (count, H, W, 3) images, spread evenly over the sorted files of a folder."""
    paths = sorted(folder.rglob("*.jpg"))
    if len(paths) < count:
        raise SystemExit(
            f"{folder}: {len(paths)} .jpg files, {count} wanted; name another folder or --images"
        )
    chosen = [paths[k * len(paths) // count] for k in range(count)]
    images = (Image.open(path).convert("RGB").resize(size, Image.Resampling.BILINEAR) for path in chosen)
    return np.stack([np.asarray(image) for image in images])


def alone(mtcnn: MTCNN, images: np.ndarray) -> list[Any]:
    """Detect with the package, one image after the other."""
    return [mtcnn.detect(Image.fromarray(image), landmarks=True) for image in images]


def deviation(ours: Faces, theirs: tuple[Any, Any, Any]) -> float:
    """Return the largest distance of box edges and landmarks in pixels; infinite if face counts differ."""
    boxes, scores, landmarks = theirs
    if boxes is None or len(boxes) != len(ours.boxes):
        return 0.0 if boxes is None and not len(ours.boxes) else float("inf")
    order = np.argsort(-scores.astype(float), kind="stable")
    pairs = ((boxes, ours.boxes), (landmarks, ours.landmarks))
    return max(float(np.abs(a[order].astype(float) - b).max()) for a, b in pairs)


def compare(images: np.ndarray, rounds: int) -> dict[str, Any]:
    """Measure processor milliseconds and operations per image of both sides, and the largest deviation."""
    torch.set_num_threads(1)
    mtcnn, detector = MTCNN(keep_all=True, device="cpu"), FaceDetector()
    batches = np.split(images, range(BATCH, len(images), BATCH))
    deviations = (d for x in batches for d in map(deviation, detector.detect(x), alone(mtcnn, x)))
    worst = max(deviations)
    sides = {
        "package": lambda: use_up(alone(mtcnn, batch) for batch in batches),
        "ours": lambda: use_up(map(detector.detect, batches)),
    }
    calls: dict[str, Callable[[np.ndarray], object]] = {
        "package alone": partial(alone, mtcnn),
        "package in batches": lambda batch: mtcnn.detect(list(map(Image.fromarray, batch)), True),
        "ours": detector.detect,
    }
    counts = {name: count_operations(call, batches[0]) for name, call in calls.items()}
    return {
        "images": len(images),
        **faster(per_item(take_turns(sides, rounds), len(images)), "package", "ours"),
        "max_deviation_px": worst,
        "operations": {name: round(count / len(batches[0])) for name, count in counts.items()},
    }


def _work(images: np.ndarray, side: str, threads: int, barrier: Any) -> None:
    torch.set_num_threads(threads)
    mtcnn, detector = MTCNN(keep_all=True, device="cpu"), FaceDetector()
    find = (lambda batch: alone(mtcnn, batch)) if side == "package" else detector.detect
    find(images[:BATCH])  # the first call is slower
    barrier.wait()
    for start in range(0, len(images), BATCH):
        find(images[start : start + BATCH])
    barrier.wait()


def wall(images: np.ndarray, side: str, processes: int, threads: int) -> float:
    """Measure the seconds that warm processes with this many threads each take for the images together."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes + 1, timeout=600)  # a dead worker must not hang the rest
    parts = np.array_split(images, processes)
    workers = [context.Process(target=_work, args=(part, side, threads, barrier)) for part in parts]
    for worker in workers:
        worker.start()
    barrier.wait()
    start = time.perf_counter()
    barrier.wait()
    seconds = time.perf_counter() - start
    for worker in workers:
        worker.join()
    return seconds


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--lfw", type=Path, help="folder of LFW images")
    parser.add_argument("--celeba", type=Path, help="folder of CelebA images")
    parser.add_argument("--images", type=int, default=128, help="images of each folder (default: 128)")
    parser.add_argument("--processes", action="store_true", help="compare wall clocks on two cores too")
    options = parser.parse_args()
    folders = {name: getattr(options, name) for name in SIZES if getattr(options, name)}
    if not folders:
        parser.error("name a folder of images with --lfw or --celeba")
    print(f"torch {torch.__version__}, {options.rounds} rounds: median (range)")
    for name, folder in folders.items():
        images = read(folder, options.images, SIZES[name])
        print(f"{name}:")
        row = {"data": name, **compare(images, options.rounds)}
        if options.processes:
            pairs = [
                (wall(images, "package", 1, 2), wall(images, "ours", 2, 1)) for _ in range(options.rounds)
            ]
            row["wall_seconds"] = [[round(seconds, 2) for seconds in pair] for pair in pairs]
            row["wall_ratio"] = round(median(package / ours for package, ours in pairs), 3)
            print(f"{name}: {row['wall_ratio']} times by wall clock, two processes")
        print(json.dumps(row))


if __name__ == "__main__":
    main()
