"""Find the rule for colouring MNIST that gives the plain classifier its published accuracy.

    python -m benchmarks.colored_mnist_rules --root DIR --out rules.csv --epochs 10 --rules clip wrap

The authors' files of coloured MNIST (Kim et al., Learning Not to Learn, CVPR 2019) are not available, and the
paper leaves open how a jittered colour outside of [0, 1] is treated, whether the jitter is drawn for each
image or each pixel, and whether test images have it. Each rule here is one answer. The authors' network and
schedule (SGD .01, momentum .9, weight decay 5e-4, batch 128, a tenth of the rate after 40 % and 80 % of the
epochs) train on it without any debiasing; rules are to be judged on that alone, before LNTL is run. --grey
trains and tests on the luminance of the images, the other published row without a debiasing method.

The whole data set is painted once and stays in memory. Rows are added to --out as they are finished and are
not computed again. The accuracy is that on the 10,000 test images after the last epoch, with bf16 autocast on
request.
"""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.options import make_parser
from datamodules.annotations.mnist_files import Digits, read_mnist
from datamodules.loading.digit_colors import COLORS
from lightning_modules.backbones.lntl_network import LNTLConvnet

MEANS = torch.tensor(list(COLORS.values())) / 255
MEAN, STD = (torch.tensor(x).view(3, 1, 1) for x in ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)))
BATCH = 128


def _clip(grey: Tensor, mean: Tensor, jitter: Tensor) -> Tensor:
    """Clip the jittered colour, then multiply the grey image by it."""
    return grey * (mean + jitter).clamp(0, 1)


def _wrap(grey: Tensor, mean: Tensor, jitter: Tensor) -> Tensor:
    """Clip nothing: numpy's conversion to 8 bits wraps values out of range around."""
    return (grey * (mean + jitter)).round() % 256


def _wrap_color(grey: Tensor, mean: Tensor, jitter: Tensor) -> Tensor:
    """Convert the jittered colour to 8 bits without clipping, then multiply the grey image by it."""
    return grey * (((mean + jitter) * 255).round() % 256) / 255


def _clip_product(grey: Tensor, mean: Tensor, jitter: Tensor) -> Tensor:
    """Clip the product, so that a colour above 1 whitens the edges of the digit."""
    return (grey * (mean + jitter)).clamp(0, 255)


def _reflect(grey: Tensor, mean: Tensor, jitter: Tensor) -> Tensor:
    """Reflect values out of range back into it."""
    color = (mean + jitter).abs()
    return grey * (1 - (1 - color).abs()).clamp(0, 1)


def _truncate(grey: Tensor, mean: Tensor, jitter: Tensor) -> Tensor:
    """Redraw the colour until it is in range: a truncated normal distribution per channel."""
    deviation = jitter.std()
    normal = torch.distributions.Normal(torch.zeros(()), torch.ones(()))
    low, high = (normal.cdf((end - mean) / deviation) for end in (0, 1))
    inside = low + (high - low) * normal.cdf(jitter / deviation)
    return grey * (mean + deviation * normal.icdf(inside.clamp(1e-6, 1 - 1e-6))).clamp(0, 1)


def _binary(grey: Tensor, mean: Tensor, jitter: Tensor) -> Tensor:
    """Use the digit as a mask: full colour wherever there is ink."""
    return 255 * (grey > 127) * (mean + jitter).clamp(0, 1)


def _additive(grey: Tensor, mean: Tensor, jitter: Tensor) -> Tensor:
    """Add the jitter to the painted digit and clip it; the background has it too."""
    return (grey * mean + 255 * jitter).clamp(0, 255)


Rule = Callable[[Tensor, Tensor, Tensor], Tensor]
RULES: dict[str, tuple[Rule, str]] = {  # and what the jitter is drawn for
    "clip": (_clip, "image"),
    "wrap": (_wrap, "image"),
    "wrap_color": (_wrap_color, "image"),
    "clip_product": (_clip_product, "image"),
    "reflect": (_reflect, "image"),
    "truncate": (_truncate, "image"),
    "binary": (_binary, "image"),
    "additive": (_additive, "image"),
    "pixel": (_clip, "pixel"),
    "brightness": (_clip, "all channels"),
    "still_test": (_clip, "training image"),
}


def paint(digits: Digits, rule: str, variance: float, train: bool, generator: torch.Generator) -> Tensor:
    """Paint all images of one file: (n, 3, 28, 28) uint8, channels last."""
    color = digits.digit if train else torch.randint(10, digits.digit.shape, generator=generator)
    function, drawn_for = RULES[rule]
    shape = {"pixel": (3, 28, 28), "all channels": (1, 1, 1)}.get(drawn_for, (3, 1, 1))
    scale = 0.0 if drawn_for == "training image" and not train else variance**0.5
    images = []
    for part in torch.arange(len(color)).split(1000):
        jitter = scale * torch.randn(len(part), *shape, generator=generator)
        image = function(digits.image[part, None].float(), MEANS[color[part]][:, :, None, None], jitter)
        images.append(image.round().to(torch.uint8))
    return torch.cat(images).contiguous(memory_format=torch.channels_last)


def luminance(image: Tensor) -> Tensor:
    """Convert images (n, 3, 28, 28) uint8 to grey with the weights of Pillow's mode L (ITU-R 601)."""
    grey = (image * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
    return grey.round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def prepared(image: Tensor) -> Tensor:
    """Normalise images as the authors' loader does."""
    return (image.float() / 255 - MEAN) / STD


def train_classifier(
    train: Digits, test: Digits, *, rule: str, variance: float, seed: int, epochs: int, bf16: bool, grey: bool
) -> list[float]:
    """Train and return the accuracy on the test file after each epoch."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    x, x_test = (paint(d, rule, variance, d is train, generator) for d in (train, test))
    if grey:
        x, x_test = luminance(x), luminance(x_test)
    net = nn.Sequential(LNTLConvnet(), nn.Linear(64, 10)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    drops = [round(0.4 * epochs), round(0.8 * epochs)]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, drops, gamma=0.1)
    accuracy = []
    for _ in range(epochs):
        net.train()
        for index in track(torch.randperm(len(x)).split(BATCH), f"{rule} {variance} {seed}", transient=True):
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = net(prepared(x[index]))
            optimizer.zero_grad()
            functional.cross_entropy(logits.float(), train.digit[index]).backward()
            optimizer.step()
        schedule.step()
        net.eval()
        with torch.inference_mode():
            right = [net(prepared(part)).argmax(1) for part in x_test.split(500)]
        accuracy.append((torch.cat(right) == test.digit).double().mean().item())
    return accuracy


def main() -> None:
    """Run what --out does not hold yet, and print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder that holds MNIST/raw/")
    parser.add_argument("--out", type=Path, required=True, help="CSV file that collects the rows")
    parser.add_argument("--rules", nargs="+", default=list(RULES), choices=RULES)
    parser.add_argument("--variances", nargs="+", type=float, default=[0.02, 0.03, 0.05])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=int, default=10, help="the authors' are 100")
    parser.add_argument(
        "--bf16", action="store_true", help="autocast to bfloat16: twice as fast where there is hardware"
    )
    parser.add_argument("--grey", action="store_true", help="luminance in place of colour")
    args = parser.parse_args()
    train, test, _ = read_mnist(args.root)
    for variance, seed, rule in itertools.product(args.variances, args.seeds, args.rules):
        key = {"rule": rule, "variance": variance, "seed": seed, "epochs": args.epochs, "bf16": args.bf16}
        key["grey"] = args.grey
        done = pd.read_csv(args.out) if args.out.exists() else pd.DataFrame(columns=[*key])
        if (done[list(key)] == pd.Series(key)).all(axis=1).any():
            continue
        start = time.monotonic()
        accuracy = train_classifier(
            train,
            test,
            rule=rule,
            variance=variance,
            seed=seed,
            epochs=args.epochs,
            bf16=args.bf16,
            grey=args.grey,
        )
        row = key | {
            "accuracy": accuracy[-1],
            "best": max(accuracy),
            "seconds": round(time.monotonic() - start),
        }
        pd.DataFrame([row]).to_csv(args.out, mode="a", header=not args.out.exists(), index=False)
        print(row, flush=True)
    rows = pd.read_csv(args.out)
    print(
        rows.pivot_table(index=["epochs", "grey", "rule"], columns="variance", values="accuracy")
        .round(4)
        .to_string()
    )


if __name__ == "__main__":
    main()
