"""Time what evaluating a frozen prefix once saves in LNTL's two passes.

    python -m benchmarks.frozen_prefix_speed

The network is a ResNet-50 at 224 pixels with random weights, the step that of the official scheme. Ours
trains the last stage and the heads, and evaluates the frozen part once for both passes. It is compared with
the same training without that, which has to give the same weights, and with one that trains all layers.

Processor time of one thread; the sides take turns, and a ratio is the median of those of the rounds. The last
line is JSON.
"""

import copy
import json
from functools import partial
from typing import Any

import torch

from benchmarks.options import make_parser
from benchmarks.timing import faster, take_turns
from benchmarks.without_lightning import Batch, PlainLNTL, step_of
from lightning_modules.backbones.factory import Trainable

TOLERANCE = 1e-6
GOALS = {"all layers": 3.0, "last stage, twice": 1.35}


def make_module(trainable: Trainable, backbone: str, **options: Any) -> PlainLNTL:
    """Build LNTL that reads emotion from the embedding of a gender classifier."""
    torch.manual_seed(0)
    module = PlainLNTL(
        attributes={"gender": ["0", "1"], "emotion": [str(n) for n in range(6)]}, task="gender",
        sensitive="emotion", backbone=backbone, weights="random", trainable=trainable,
        backbone_options=options,
    )  # fmt: skip
    return module.train()


def make_batch(images: int, size: int) -> Batch:
    """Make random images and labels."""
    generator = torch.Generator().manual_seed(0)
    return {
        "image": torch.randint(256, (images, 3, size, size), generator=generator, dtype=torch.uint8),
        "gender": torch.arange(images) % 2,
        "emotion": torch.arange(images) % 6,
    }


def compare(batch: Batch, rounds: int, backbone: str, **options: Any) -> dict[str, Any]:
    """Return the ratios of the other ways to ours, and the difference of weights after the same training."""
    ours = make_module("last_stage", backbone, **options)
    twice = copy.deepcopy(ours)
    whole = make_module("all", backbone, **options)
    before = copy.deepcopy(ours.state_dict())
    steps = {
        "all layers": step_of(whole),
        "last stage, twice": step_of(twice, once=False),
        "last stage, once": step_of(ours),
    }
    times = take_turns({name: partial(step, batch) for name, step in steps.items()}, rounds)
    state = ours.state_dict()
    apart = {name: (x - state[name]).abs().max().item() for name, x in twice.state_dict().items()}
    assert max(apart.values()) <= TOLERANCE, f"{max(apart, key=lambda name: apart[name])} differs"
    moved = sum(not torch.equal(x, before[name]) for name, x in state.items())
    assert moved, "nothing has trained"
    return {
        **{base: faster(times, base, "last stage, once") | {"goal": goal} for base, goal in GOALS.items()},
        "largest_difference": max(apart.values()),
        "tensors_that_moved": moved,
    }


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--images", type=int, default=8, help="of a batch (default: 8)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, ResNet-50, {options.images} images, {options.rounds} rounds")
    found = compare(make_batch(options.images, 224), options.rounds, "resnet50", input_size=224)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
