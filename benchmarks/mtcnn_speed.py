"""Time face detection, and compare its results with facenet-pytorch's MTCNN on each image alone.

    python benchmarks/mtcnn_speed.py --lfw DIR --celeba DIR [--images 128 --rounds 5] [--processes]

DIR is any folder of JPEG files: LFW's are taken at 250 x 250, CelebA's at 178 x 218 pixels. Both sides take
turns, 16 images each, with one compute thread; the clock is the processor time of the process, without
decoding. Prints the median and range over the rounds of the package's time divided by ours, and a line of
JSON for each folder. `--processes` also divides wall clocks: the package in one process with two threads by
two processes of ours with one thread each; this needs two idle cores.
"""

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from datamodules.cropping.face_detector import FaceDetector, Faces

BATCH = 16
SIZES = {"lfw": (250, 250), "celeba": (178, 218)}  # width, height


class Operations(TorchDispatchMode):
    """Counts the operations that PyTorch dispatches."""

    count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count an operation and run it."""
        self.count += 1
        return function(*args, **(kwargs or {}))


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


def operations(call: Any, images: np.ndarray) -> float:
    """Count dispatched operations per image."""
    with Operations() as counted:
        call(images)
    return counted.count / len(images)


def compare(images: np.ndarray, rounds: int) -> dict[str, Any]:
    """Measure processor milliseconds per image of both sides, their ratio in each round, and equality."""
    torch.set_num_threads(1)
    mtcnn, detector = MTCNN(keep_all=True, device="cpu"), FaceDetector()
    batches = np.split(images, range(BATCH, len(images), BATCH))
    alone(mtcnn, batches[0]), detector.detect(batches[0])
    package, ours, worst = [], [], 0.0
    for _ in range(rounds):
        spent = np.zeros(2)
        for batch in batches:
            start = time.process_time()
            theirs = alone(mtcnn, batch)
            between = time.process_time()
            found = detector.detect(batch)
            spent += between - start, time.process_time() - between
            worst = max(worst, *map(deviation, found, theirs))
        package.append(spent[0] / len(images) * 1000)
        ours.append(spent[1] / len(images) * 1000)
    ratios = [a / b for a, b in zip(package, ours, strict=True)]
    return {
        "images": len(images),
        "package_cpu_ms": round(median(package), 2),
        "ours_cpu_ms": round(median(ours), 2),
        "ratio": round(median(ratios), 3),
        "ratio_range": [round(min(ratios), 3), round(max(ratios), 3)],
        "max_deviation_px": worst,
        "operations_single": round(operations(lambda batch: alone(mtcnn, batch), batches[0])),
        "operations_package_batch": round(
            operations(lambda batch: mtcnn.detect(list(map(Image.fromarray, batch)), True), batches[0])
        ),
        "operations_ours": round(operations(detector.detect, batches[0])),
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lfw", type=Path, help="folder of LFW images")
    parser.add_argument("--celeba", type=Path, help="folder of CelebA images")
    parser.add_argument("--images", type=int, default=128, help="images of each folder (default: 128)")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions (default: 5)")
    parser.add_argument("--processes", action="store_true", help="compare wall clocks on two cores too")
    options = parser.parse_args()
    folders = {name: getattr(options, name) for name in SIZES if getattr(options, name)}
    if not folders:
        parser.error("name a folder of images with --lfw or --celeba")
    print(f"torch {torch.__version__}, {options.rounds} rounds: median (range)")
    for name, folder in folders.items():
        images = read(folder, options.images, SIZES[name])
        row = {"data": name, **compare(images, options.rounds)}
        low, high = row["ratio_range"]
        print(f"{name}: {row['ratio']} times the package's speed ({low} to {high})")
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
