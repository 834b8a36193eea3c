"""How fast the synthetic faces are drawn, factors included.

    python benchmarks/synthetic_speed.py

Prints, for each size, the median and range over the rounds of faces per second (wall clock) and of processor
milliseconds a face (all threads together; threads that wait for a busy machine count too).
"""

import argparse
import time
from statistics import median

import torch

from datamodules.synthetic_faces import SyntheticFaces


def measure(size: int, rounds: int, faces: int) -> tuple[list[float], list[float]]:
    """Faces a second and processor milliseconds a face, each round on other faces."""
    dataset = SyntheticFaces(size=size).make_dataset("train")
    dataset.read(torch.arange(64))  # fixed fields and quantiles are made once
    speed, cost = [], []
    for k in range(rounds):
        index = torch.arange(k * faces, (k + 1) * faces) % len(dataset)
        wall, processor = time.perf_counter(), time.process_time()
        dataset.read(index)
        speed.append(faces / (time.perf_counter() - wall))
        cost.append((time.process_time() - processor) / faces * 1000)
    return speed, cost


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} threads, {options.rounds} rounds")
    for size, faces in ((32, 2048), (64, 1024), (112, 512), (224, 128)):
        speed, cost = measure(size, options.rounds, faces)
        print(
            f"{size:3d} px: {median(speed):6.0f} faces/s ({min(speed):.0f} to {max(speed):.0f}), "
            f"{median(cost):.3f} ms a face ({min(cost):.3f} to {max(cost):.3f})"
        )


if __name__ == "__main__":
    main()
