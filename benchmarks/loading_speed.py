"""Time images on their way to the model: decoding files, gathering prepared crops, and the loader.

    python -m benchmarks.loading_speed [--images DIR] [--rounds 5]

Every ratio compares two ways that take turns in each round, on one thread and one set of images: the median
and range over the rounds, of processor time unless "wall" is stated. The files are written anew from the
JPEGs in DIR, or from synthetic faces, at the sizes of CelebA (178 x 218) and of photographs (1024 x 1024).

The usual way is PIL + albumentations: decode, resize to 224, flip, normalise to float32. Ours decodes and
fits to 224 in uint8 and leaves flip and normalisation to the batch, which "with preparation" adds: a flip of
the batch and `Preprocess`, also on this CPU; with a GPU they run there. The last line is JSON.

The cost of `m[idx]` depends on how the system allocates memory, which NumPy asks to be in huge pages: run
again with NUMPY_MADVISE_HUGEPAGE=0 to see it without.
"""

import itertools
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader

from benchmarks.options import make_parser
from benchmarks.timing import Times, faster, per_item, take_turns, use_up
from datamodules.base import already_a_batch
from datamodules.cropping.crop_gather import CropArray
from datamodules.loading.face_alignment import centre_square
from datamodules.loading.prefetch_loader import PrefetchLoader
from datamodules.loading.samplers import ShardedSampler
from datamodules.loading.table_dataset import ImageFiles, TableDataset
from datamodules.synthetic_faces import SyntheticFaces
from lightning_modules.backbones.preprocessing import InputSpec, Preprocess

SIZE, BATCH, LARGE_BATCH = 224, 64, 256
GOALS = {
    "online, CelebA size": 2.2,
    "crop store, CelebA size": 30.0,
    f"gather, batch {BATCH}": 3.0,
    f"gather, batch {LARGE_BATCH}": 3.0,
    "PrefetchLoader / raw gather (wall)": 0.5,
}

Work = Callable[[], object]


def pictures(folder: str | None, count: int) -> list[np.ndarray]:
    """Return `count` images (H, W, 3): the JPEGs of a folder, repeated, or synthetic faces."""
    if folder is None:
        faces = SyntheticFaces(size=SIZE, train_identities=12, images_per_identity=max(6, -(-count // 12)))
        faces.setup("fit")
        drawn = faces.datasets["train"].read(torch.arange(count))["image"]
        return list(drawn.permute(0, 2, 3, 1).numpy())
    paths = sorted(Path(folder).glob("*.jpg"))[:count]
    if not paths:
        raise SystemExit(f"error: no *.jpg in {folder}")
    return [
        np.asarray(Image.open(path).convert("RGB"))
        for path in itertools.islice(itertools.cycle(paths), count)
    ]


def write(images: list[np.ndarray], width: int, height: int, folder: Path) -> list[str]:
    """Write JPEG files of one size, quality 90."""
    folder.mkdir()
    for i, image in enumerate(images):
        resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
        resized.save(folder / f"{i:04d}.jpg", quality=90)
    return [str(folder / f"{i:04d}.jpg") for i in range(len(images))]


def habit(paths: list[str]) -> Work:
    """Build the usual way: PIL + albumentations to a normalised float32 batch."""
    transform = A.Compose([A.Resize(SIZE, SIZE), A.HorizontalFlip(p=0.5), A.Normalize()])

    def work() -> np.ndarray:
        return np.stack([transform(image=np.asarray(Image.open(p).convert("RGB")))["image"] for p in paths])

    return work


def prepare(images: torch.Tensor, preprocess: Preprocess) -> torch.Tensor:
    """Flip half of the batch and normalise it, (N, 3, H, W) float32."""
    mirrored = torch.rand(len(images), 1, 1, 1) < 0.5
    return preprocess(torch.where(mirrored, images.flip(-1), images))


def report(name: str, times: Times, base: str, ours: str) -> dict[str, Any]:
    """Print and return how many times less an image costs `ours` than `base`, and the goal if any."""
    print(f"{name}, goal {GOALS[name]:g}" if name in GOALS else name, end=": ")
    return {name: faster(times, base, ours) | {"goal": GOALS.get(name)}}


def online(paths: list[str], kind: str, rounds: int) -> dict[str, Any]:
    """Compare decoding files in our way and the usual way."""
    source = ImageFiles(paths, partial(centre_square, size=SIZE))
    preprocess = Preprocess(InputSpec(SIZE, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)))
    places = np.arange(len(paths))

    def ours() -> torch.Tensor:
        return torch.from_numpy(source(places)).permute(0, 3, 1, 2)

    ways: dict[str, Work] = {
        "habit": habit(paths),
        "ours": ours,
        "prepared": lambda: prepare(ours(), preprocess),
    }
    times = per_item(take_turns(ways, rounds), len(paths))
    found = report(f"online, {kind}", times, "habit", "ours")
    return found | report(f"online with preparation, {kind}", times, "habit", "prepared")


def gathering(crops: np.ndarray, batch: int, rounds: int) -> Times:
    """Measure milliseconds per image of gathering crops and of indexing the map; three batches stay alive."""
    source = CropArray(crops, np.arange(len(crops)))
    draws = [np.random.default_rng(k).integers(len(crops), size=batch) for k in range(1280 // batch)]

    def through(read: Callable[[np.ndarray], np.ndarray]) -> Work:
        def work() -> None:
            batches: list[Any] = [None] * 3
            for k, index in enumerate(draws):
                batches[k % 3] = torch.from_numpy(read(index))

        return work

    ways = {"m[idx]": through(crops.__getitem__), "ours": through(source)}
    return per_item(take_turns(ways, rounds), batch * len(draws))


def from_crops(crops: np.ndarray, paths: list[str], rounds: int) -> dict[str, Any]:
    """Compare gathering crops in batches of two sizes with indexing, and with the usual way."""
    found: dict[str, Any] = {}
    for batch in (BATCH, LARGE_BATCH):
        times = gathering(crops, batch, rounds)
        found |= report(f"gather, batch {batch}", times, "m[idx]", "ours")
    times |= per_item(take_turns({"habit": habit(paths)}, rounds), len(paths))
    return found | report("crop store, CelebA size", times, "habit", "ours")


def loading(crops: np.ndarray, rounds: int) -> dict[str, Any]:
    """Compare an epoch of each loader over the crops with a bare loop of the gathering, in wall time."""
    rows = np.tile(np.arange(len(crops)), max(1, 2560 // len(crops)))
    source = CropArray(crops, rows)
    dataset = TableDataset({"emotion": rows % 6}, source)

    def loader(kind: type[DataLoader[Any]], workers: int = 0) -> Work:
        options: dict[str, Any] = {"num_workers": workers, "persistent_workers": workers > 0}
        sampler = ShardedSampler(dataset, shuffle=True)
        batches = kind(dataset, BATCH, sampler=sampler, collate_fn=already_a_batch, **options)
        return partial(use_up, batches)

    order = np.random.default_rng(0).permutation(len(rows))
    index = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    ways = {
        "raw gather": lambda: use_up(map(source, index)),
        "PrefetchLoader": loader(PrefetchLoader),
        "DataLoader": loader(DataLoader),
        "DataLoader, 1 worker": loader(DataLoader, 1),
        "DataLoader, 2 workers": loader(DataLoader, 2),
    }
    times = per_item(take_turns(ways, rounds, time.perf_counter), len(rows))
    found: dict[str, Any] = {}
    for kind in list(ways)[1:]:
        found |= report(f"{kind} / raw gather (wall)", times, "raw gather", kind)
    return found


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--images", help="folder of JPEGs (default: synthetic faces)")
    parser.add_argument("--count", type=int, default=256, help="files of CelebA's size (default: 256)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(
        f"{options.rounds} rounds, one thread: median (range); "
        f"torch {torch.__version__}, numpy {np.__version__}"
    )
    images = pictures(options.images, options.count)
    with tempfile.TemporaryDirectory() as folder:
        small = write(images, 178, 218, Path(folder) / "small")
        large = write(images[: max(1, options.count // 8)], 1024, 1024, Path(folder) / "large")
        found = online(small, "CelebA size", options.rounds) | online(large, "1024 pixels", options.rounds)
        # many times what the processor caches, as an epoch's crops are
        crops = np.concatenate(
            [ImageFiles(small, partial(centre_square, size=SIZE))(np.arange(len(small)))] * 6
        )
        np.save(Path(folder) / "crops.npy", crops)
        mapped = np.load(Path(folder) / "crops.npy", mmap_mode="r")
        del crops
        found |= from_crops(mapped, small, options.rounds) | loading(mapped, options.rounds)
    print(json.dumps({"rounds": options.rounds, "batch": BATCH, "size": SIZE, "ratios": found}))


if __name__ == "__main__":
    main()
