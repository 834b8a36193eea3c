"""Time layout, checkpointing and compilation in a step that trains the whole backbone, and its memory.

    OMP_NUM_THREADS=1 python -m benchmarks.switches_speed

The network is a ResNet-50 at 224 pixels with random weights and a linear head, the step one of plain SGD. "as
it is" is how `lightning_modules` builds it, in channels-last layout; the other sides use torch's default
layout, checkpoint its blocks, or compile it with torch's inductor (which needs a C++ compiler; compiling is
not timed). All have to give the loss of the first step.

Processor time of one thread; the sides take turns, and a ratio is the median of those of the rounds. Memory
is how far a process that takes one step rises above what it held before. The last line is JSON.
"""

import copy
import json
import multiprocessing
import resource
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.options import make_parser
from benchmarks.timing import faster, take_turns
from lightning_modules.backbones.factory import Backbone, build_backbone
from lightning_modules.training.block_checkpointing import checkpoint_blocks

TOLERANCE = 1e-4
BASE = "as it is"
SIDES = ("default layout", "checkpointed")


class Classifier(nn.Module):
    """A backbone with a head of two classes."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone, self.head = backbone, nn.Linear(backbone.num_features, 2)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits (N, 2) of images (N, 3, H, W)."""
        return self.head(self.backbone(image))


def default_layout(backbone: Backbone) -> None:
    """Use torch's default layout for weights, and for images before the first layer."""
    backbone.network.to(memory_format=torch.contiguous_format)
    backbone.preprocess.register_forward_hook(lambda module, given, image: image.contiguous())


def make_sides(name: str, compilers: list[str], **options: Any) -> dict[str, Classifier]:
    """Prepare the same network in each way."""
    torch.manual_seed(0)
    plain = Classifier(build_backbone(name, trainable="all", options=options)).train()
    sides = {BASE: plain} | {way: copy.deepcopy(plain) for way in (*SIDES, *compilers)}
    default_layout(sides["default layout"].backbone)
    checkpoint_blocks(sides["checkpointed"].backbone)
    for backend in compilers:
        sides[backend].backbone.network.compile(backend=backend)
    return sides


def step_of(module: Classifier, image: Tensor, label: Tensor) -> Callable[[], float]:
    """Make a step of plain SGD, which returns its loss."""
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)

    def step() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(image), label)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def make_steps(
    images: int, name: str, compilers: list[str], **options: Any
) -> dict[str, Callable[[], float]]:
    """Make a step of each side, all on the same images of noise."""
    generator = torch.Generator().manual_seed(0)
    size = options["input_size"]
    image = torch.randint(256, (images, 3, size, size), generator=generator, dtype=torch.uint8)
    sides = make_sides(name, compilers, **options)
    return {way: step_of(module, image, torch.arange(images) % 2) for way, module in sides.items()}


def _rise(answer: Any, way: str, images: int, name: str, options: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    step = make_steps(images, name, [], **options)[way]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step()
    answer.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def memory(way: str, images: int, name: str, **options: Any) -> float:
    """Return the MiB by which the peak of a new process rises in a step."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_rise, args=(theirs, way, images, name, options))
    process.start()
    process.join()
    return ours.recv()


def compare(images: int, rounds: int, name: str, compilers: list[str], **options: Any) -> dict[str, Any]:
    """Return ratios of time to the network as it is, and the memory of each."""
    rises = {way: memory(way, images, name, **options) for way in (BASE, *SIDES)}
    steps = make_steps(images, name, compilers, **options)
    losses = {way: step() for way, step in steps.items()}
    apart = max(abs(loss - losses[BASE]) for loss in losses.values())
    assert apart <= TOLERANCE, f"the losses differ: {losses}"
    times = take_turns(steps, rounds)
    for way, rise in rises.items():
        print(f"{way}: {rise:.0f} MiB")
    return {
        "time": {way: faster(times, way, BASE) for way in steps if way != BASE},
        "memory_mib": {way: round(rise, 1) for way, rise in rises.items()},
        "largest_difference_of_a_loss": apart,
    }


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--images", type=int, default=8, help="of a batch (default: 8)")
    parser.add_argument("--compilers", nargs="*", default=["inductor"], help="(default: inductor)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, ResNet-50, {options.images} images, {options.rounds} rounds")
    found = compare(options.images, options.rounds, "resnet50", options.compilers, input_size=224)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
