"""Time the steps of SensitiveNets with bf16 autocast, on CPUs that have instructions for it.

    python -m benchmarks.sensitivenets_speed

A step is that of the suppressor as the module takes it, on 384 embeddings (128 triplets) of 2048 numbers,
with three layers of 1024 and Adam, in 32 bits and under bf16 autocast; with random triplets and with
semi-hard ones, whose search in 384 x 384 x 384 candidates stays in 32 bits. Embeddings of the two have to
point the same way, and the first losses have to be close.

Processor time of one thread; the sides take turns, and a ratio is the median of those of the rounds. The last
line is JSON.
"""

import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity
from torch.optim import Adam

from benchmarks.options import make_parser
from benchmarks.timing import faster, take_turns
from lightning_modules.layers.sensitive_losses import Mining
from lightning_modules.sensitivenets import SensitiveNets

EMBEDDINGS, DIMENSION, WIDTH, IMAGES, EMOTIONS = 384, 2048, 1024, 3, 6
LEAST_COSINE, TOLERANCE = 0.999, 0.02
GOAL = 2.0


def has_bf16() -> bool:
    """Return whether the CPU has instructions for products of bf16 matrices."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else platform.processor()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def make_module(mining: Mining, *, dimension: int = DIMENSION, width: int = WIDTH) -> SensitiveNets:
    """Build the method on precomputed embeddings."""
    torch.manual_seed(0)
    attributes = {"identity": ["0"], "emotion": [str(n) for n in range(EMOTIONS)]}
    module = SensitiveNets(
        attributes=attributes, sensitive="emotion", target="0", backbone="precomputed", mining=mining,
        backbone_options={"num_features": dimension}, width=width, hidden=width, layers=3,
    )  # fmt: skip
    module.classifier.requires_grad_(False)  # it is the suppressor's turn
    return module


def make_batch(count: int = EMBEDDINGS, dimension: int = DIMENSION) -> dict[str, Tensor]:
    """Make random embeddings, three per identity."""
    n = torch.arange(count)
    embedding = torch.randn(count, dimension, generator=torch.Generator().manual_seed(0))
    return {"embedding": embedding, "identity": n // IMAGES, "emotion": n % EMOTIONS}


def step_of(module: SensitiveNets, batch: dict[str, Tensor], *, bf16: bool) -> Callable[[], Any]:
    """Make a step of the suppressor, which returns its losses."""
    optimizer = Adam(module.suppressor.parameters(), lr=1e-3)

    def step() -> dict[str, Tensor]:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            terms = module.suppressor_terms(batch, step=0, adversarial=True)
        terms["loss"].backward()
        optimizer.step()
        return terms

    return step


def compare(mining: Mining, batch: dict[str, Tensor], rounds: int, **sizes: int) -> dict[str, Any]:
    """Return the ratio, the lowest cosine of two embeddings, and the largest relative gap of a loss."""
    wide, narrow = (make_module(mining, **sizes) for _ in range(2))
    with torch.no_grad():
        expected = wide.embed(batch["embedding"])
        with torch.autocast("cpu", torch.bfloat16):
            found = narrow.embed(batch["embedding"])
    cosine = cosine_similarity(found, expected).min().item()
    assert cosine >= LEAST_COSINE, f"{mining}: embeddings of bf16 have a cosine of {cosine}"
    name = f"{mining} triplets, 32 bits"
    steps = {name: step_of(wide, batch, bf16=False), f"{mining}, bf16": step_of(narrow, batch, bf16=True)}
    first = [{key: value.item() for key, value in step().items()} for step in steps.values()]
    gap = max(abs(first[1][key] / value - 1) for key, value in first[0].items())
    assert gap <= TOLERANCE, f"{mining}: a loss of bf16 is off by {gap:.1%}"
    return {**faster(take_turns(steps, rounds), *steps), "least_cosine": cosine, "largest_gap_of_a_loss": gap}


def main() -> None:
    """Measure and print."""
    options = make_parser(__doc__, rounds=15).parse_args()
    if not has_bf16():
        raise SystemExit("This processor has neither AVX512-BF16 nor AMX: bf16 has nothing to gain on it.")
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {options.rounds} rounds: median (range)")
    batch = make_batch()
    minings: list[Mining] = ["random", "semihard"]
    found = {mining: compare(mining, batch, options.rounds) for mining in minings}
    print(json.dumps(found | {"goal": GOAL}))


if __name__ == "__main__":
    main()
