"""Time LNTL's steps and data on coloured MNIST, and compare them with its authors' implementation.

    python -m benchmarks.colored_mnist_speed

A step is that of the authors' trainer on 128 images (`benchmarks.official_lntl`). Ours is
`LNTL.step` in 32 bits, without Lightning around it; it prepares the 8-bit images, while the other
step is given floats, as the authors' loader makes them. In 64 bits, from the same prepared images, both sides
have to give the same parameters and buffers after 20 steps. Operations are counted in one step, with both
meanings of `zero_grad`, filling zeros and dropping the gradients, and without those that prepare the images.

Reading is compared with one Pillow image after the other through torchvision's ToTensor and Normalize, as the
authors' loader reads its array of coloured images; ours draws and paints the colours anew for each batch. The
same formula after either gives the same bits.

The digits are noise of MNIST's size. Processor time of one thread; the sides take turns, and a ratio is the
median of those of the rounds. The last line is JSON.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import default_collate
from torchvision.transforms import Compose, Normalize, ToTensor

from benchmarks.official_lntl import Official, as_official, official_step
from benchmarks.operations import count_operations
from benchmarks.options import make_parser
from benchmarks.timing import faster, per_item, take_turns, use_up
from benchmarks.without_lightning import Batch, PlainLNTL, step_of
from datamodules.annotations.mnist_files import Digits
from datamodules.colored_mnist import ColoredDigits
from lightning_modules.backbones.lntl_network import FEATURE_LAYER, NAME

BATCH, STEPS, TOLERANCE = 128, 20, 1e-12
PER_ROUND = 10  # steps or batches of a round
NORMALIZE = Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
GOALS = {"step": 1.25, "operations": 215, "reading": 10.0}


def make_digits(count: int) -> ColoredDigits:
    """Make noise instead of digits, a fifth of it ink, in their colours."""
    generator = torch.Generator().manual_seed(0)
    ink = torch.rand(count, 28, 28, generator=generator) < 0.2
    grey = torch.randint(256, (count, 28, 28), generator=generator) * ink
    digits = Digits(grey.to(torch.uint8), torch.arange(count) % 10)
    return ColoredDigits(digits, split="train", variance=0.03, seed=0)


def make_module(*, set_to_none: bool = False) -> PlainLNTL:
    """Build LNTL on the authors' network."""
    torch.manual_seed(0)
    return PlainLNTL(
        attributes={"digit": [str(n) for n in range(10)]}, task="digit", sensitive="color_map",
        label_maps={"color_map": (3, 8)}, backbone=NAME, feature_layer=FEATURE_LAYER, trainable="all",
        hidden=0, set_to_none=set_to_none,
    ).train()  # fmt: skip


def prepared(batch: Batch, module: PlainLNTL) -> Batch:
    """Convert a batch to the form of the authors' loader."""
    image = module.backbone.preprocess(batch["image"]).contiguous()
    color = batch["color_map"].masked_fill(batch["color_map"] < 0, 255)
    return {"image": image, "color": color, "digit": batch["digit"]}


def largest_difference(batches: list[Batch], *, set_to_none: bool) -> float:
    """Return the largest difference of any parameter or buffer after a step on each batch in 64 bits."""
    module = make_module(set_to_none=set_to_none).double()
    official = Official(module)
    ours, theirs = step_of(module), official_step(official, set_to_none=set_to_none)
    for batch in batches:
        theirs(prepared(batch, module))
        ours(batch)
    state = official.state_dict()
    worst = max((x - state[name]).abs().max().item() for name, x in as_official(module).items())
    assert worst <= TOLERANCE, f"the sides differ by {worst}"
    return worst


def operations(work: Callable[[Any], object], given: Any) -> int:
    """Count ATen's operations, except views, of a call after the first."""
    work(given)
    return count_operations(
        work, given, lambda function: function.namespace == "aten" and not function.is_view
    )


def steps(batches: list[Batch], rounds: int) -> dict[str, Any]:
    """Compare speed, operations and results of both steps."""
    found: dict[str, Any] = {"largest_difference": {}, "operations": {}}
    for set_to_none, name in ((False, "zeros"), (True, "none")):
        module = make_module(set_to_none=set_to_none)
        official = official_step(Official(module), set_to_none=set_to_none)
        preparation = operations(module.backbone.preprocess, batches[0]["image"])
        pair = (
            operations(official, prepared(batches[0], module)),
            operations(step_of(module), batches[0]) - preparation,
        )
        worst = largest_difference(batches, set_to_none=set_to_none)
        found["operations"][name], found["largest_difference"][name] = pair, worst
        print(f"gradients to {name}: {pair[0]} and {pair[1]} operations, largest difference {worst:.1e}")
    module = make_module()
    theirs, ours = official_step(Official(module)), step_of(module)
    given = [prepared(batch, module) for batch in batches[:PER_ROUND]]
    times = take_turns(
        {
            "official step": lambda: use_up(map(theirs, given)),
            "our step": lambda: use_up(map(ours, batches[:PER_ROUND])),
        },
        rounds,
    )
    return found | {"step": faster(per_item(times, PER_ROUND), "official step", "our step")}


class OneByOne:
    """Preprocessed images and colour labels from an array (n, 28, 28, 3), one image at a time."""

    def __init__(self, images: np.ndarray, digits: np.ndarray) -> None:
        self.images, self.digits = images, digits
        self.transform = Compose([ToTensor(), NORMALIZE])

    def __getitem__(self, index: int) -> dict[str, Any]:
        image = Image.fromarray(self.images[index])
        small = np.asarray(image.resize((14, 14), Image.Resampling.NEAREST)).transpose(2, 0, 1)
        color = np.where(small == 0, 255, small // 32).astype(np.int64)
        digit = int(self.digits[index])
        return {"image": self.transform(image), "color": torch.from_numpy(color), "digit": digit}


def formula(image: Tensor) -> Tensor:
    """Apply ToTensor and Normalize to a whole batch (N, 3, 28, 28) uint8."""
    return NORMALIZE(image.float().div(255))


def reading(data: ColoredDigits, rounds: int) -> dict[str, Any]:
    """Time both ways to batches, after a check that they hold the same bits."""
    every = data.read(torch.arange(len(data)))
    alone = OneByOne(every["image"].permute(0, 2, 3, 1).contiguous().numpy(), every["digit"].numpy())
    order = torch.randint(len(data), (PER_ROUND, BATCH), generator=torch.Generator().manual_seed(1)).tolist()
    for index in order:
        ours, theirs = data.__getitems__(index), default_collate([alone[i] for i in index])
        assert torch.equal(formula(ours["image"]), theirs["image"]), "the images differ"
        labels = theirs["color"].masked_fill(theirs["color"] == 255, -1)
        assert torch.equal(ours["color_map"], labels), "the colour labels differ"
        assert torch.equal(ours["digit"], theirs["digit"]), "the digits differ"
    times = take_turns(
        {
            "one by one": lambda: use_up(default_collate([alone[i] for i in index]) for index in order),
            "our batches": lambda: use_up(map(data.__getitems__, order)),
            "our batches, prepared": lambda: use_up(formula(data.__getitems__(i)["image"]) for i in order),
        },
        rounds,
    )
    times = per_item(times, PER_ROUND)
    return {
        "reading": faster(times, "one by one", "our batches"),
        "reading_prepared": faster(times, "one by one", "our batches, prepared"),
    }


def main() -> None:
    """Measure and print."""
    options = make_parser(__doc__, rounds=9).parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, batches of {BATCH}, {options.rounds} rounds: median (range)")
    data = make_digits(6000)
    batches = [data.read(torch.arange(BATCH) + BATCH * k) for k in range(STEPS)]
    found = steps(batches, options.rounds) | reading(data, options.rounds)
    print(json.dumps(found | {"goals": GOALS}))


if __name__ == "__main__":
    main()
