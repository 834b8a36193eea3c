"""Time the drawing of synthetic faces, factors included.

    python -m benchmarks.synthetic_speed [--workers 2]

Drawing uses one thread of its process. Prints, for each size, the median and range over the rounds of faces
per second (wall clock) and processor milliseconds per face in one process, and the faces per second of all
loader processes together, from their first batch on.
"""

import time
from statistics import median

import torch

from benchmarks.options import make_parser
from datamodules.synthetic_faces import SyntheticFaces


def in_process(faces: SyntheticFaces, rounds: int, count: int) -> tuple[list[float], list[float]]:
    """Measure faces per second and processor milliseconds per face, each round on other faces."""
    dataset = faces.datasets["train"]
    dataset.read(torch.arange(64))  # fixed fields and quantiles are made once
    speed, cost = [], []
    for k in range(rounds):
        index = torch.arange(k * count, (k + 1) * count) % len(dataset)
        wall, processor = time.perf_counter(), time.process_time()
        dataset.read(index)
        speed.append(count / (time.perf_counter() - wall))
        cost.append((time.process_time() - processor) / count * 1000)
    return speed, cost


def by_workers(faces: SyntheticFaces, rounds: int) -> list[float]:
    """Measure faces per second from the loader, an epoch per round."""
    speed = []
    loader = faces.train_dataloader()
    for _ in range(rounds):
        batches = iter(loader)
        next(batches)
        start = time.perf_counter()
        drawn = sum(len(batch["index"]) for batch in batches)
        speed.append(drawn / (time.perf_counter() - start))
    return speed


def spread(values: list[float], form: str) -> str:
    """Format median and range."""
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--workers", type=int, default=2, help="loader processes (default: 2)")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {options.rounds} rounds: median (range)")
    for size, identities in ((32, 1600), (64, 400), (112, 150), (224, 40)):
        faces = SyntheticFaces(
            size=size, train_identities=identities, num_workers=options.workers, batch_size=32
        )
        faces.setup("fit")
        speed, cost = in_process(faces, options.rounds, 2 * identities)
        both = by_workers(faces, options.rounds)
        print(
            f"{size:3d} px: one process {spread(speed, '.0f')} faces/s, {spread(cost, '.3f')} ms a face; "
            f"{options.workers} loader processes {spread(both, '.0f')} faces/s"
        )


if __name__ == "__main__":
    main()
