"""Time what the backbone's layout and bfloat16 save with a ResNet-50, in embedding and in training.

    OMP_NUM_THREADS=1 python -m benchmarks.resnet_speed

The usual way is timm's network in 32 bits with images as they come (NCHW). Ours is the backbone of
`lightning_modules`, in channels-last layout, under the autocast of `precision: bf16-mixed`. Weights are
random, images noise of 224 pixels, all layers train; the lowest cosine between embeddings of both is printed,
and that of the shipped recogniser, whose weights are trained. Processor time of one thread; the sides take
turns. The last line is JSON. A CPU without bfloat16 instructions will not show a gain.
"""

import json
from collections.abc import Callable
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.options import make_parser
from benchmarks.timing import faster, take_turns
from datamodules.synthetic_faces import SyntheticFaces
from lightning_modules.backbones.factory import build_backbone

BF16 = torch.autocast("cpu", torch.bfloat16)
SIZE, CLASSES = 224, 10


def backbones() -> tuple[nn.Module, nn.Module]:
    """Build timm's network, and ours with its weights; both take (N, 3, H, W) uint8."""
    ours = build_backbone("resnet50", trainable="all")
    plain = timm.create_model("resnet50", num_classes=0)
    plain.load_state_dict(ours.network.state_dict())
    return nn.Sequential(_Prepare(), plain), ours


class _Prepare(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        return (image.float() / 255 - mean) / std


def training_step(backbone: nn.Module, image: Tensor, label: Tensor) -> Callable[[], None]:
    """Make a step of SGD with all layers and a linear head."""
    network = nn.Sequential(backbone, nn.Linear(2048, CLASSES)).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(network(image).float(), label).backward()
        optimizer.step()

    return step


def least_cosine(first: Tensor, second: Tensor) -> float:
    """Return the lowest cosine over the rows."""
    return float(functional.cosine_similarity(first.float(), second.float()).min())


def shipped_cosine(count: int = 512) -> float:
    """Return the lowest cosine of the shipped recogniser's embeddings in bfloat16 to those in 32 bits."""
    network = build_backbone("synthetic_recogniser").eval()
    image = SyntheticFaces().make_dataset("test").read(torch.arange(count))["image"]
    with torch.inference_mode():
        wide = network(image)
        with BF16:
            return least_cosine(network(image), wide)


def compare(images: int, rounds: int) -> dict[str, Any]:
    """Return the ratios of embedding and training, and the cosines."""
    image = torch.randint(256, (images, 3, SIZE, SIZE), dtype=torch.uint8)
    label = torch.arange(images) % CLASSES
    plain, ours = (network.eval() for network in backbones())

    def embed(network: nn.Module) -> Tensor:
        with torch.inference_mode():
            return network(image)

    def embed_bf16() -> Tensor:
        with BF16:
            return embed(ours)

    assert least_cosine(embed(plain), embed(ours)) > 1 - 1e-5, "they are two networks"
    found: dict[str, Any] = {"cosine": least_cosine(embed(plain), embed_bf16())}
    found["shipped cosine"] = shipped_cosine()
    print(f"least cosine {found['cosine']:.5f}, of the shipped recogniser {found['shipped cosine']:.5f}")
    sides = {"usual": lambda: embed(plain), "32 bits": lambda: embed(ours), "bf16": embed_bf16}
    times = take_turns(sides, rounds)
    found["embedding"] = {side: faster(times, "usual", side) for side in ("32 bits", "bf16")}

    steps = [training_step(network, image, label) for network in backbones()]

    def step_bf16() -> None:
        with BF16:
            steps[1]()

    times = take_turns({"usual": steps[0], "32 bits": steps[1], "bf16": step_bf16}, rounds)
    found["training"] = {side: faster(times, "usual", side) for side in ("32 bits", "bf16")}
    return found


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--images", type=int, default=16, help="in a batch (default: 16)")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {options.images} images, {options.rounds} rounds: median (range)")
    print(json.dumps(compare(options.images, options.rounds)))


if __name__ == "__main__":
    main()
