"""Time every step of an audit, for the estimate of the time left.

    python -m benchmarks.audit_step_costs [--sizes 1000 4000] [--threads 2] [--target attractive]

Audits constructed embeddings of 512 numbers, whose class leaks, at two sizes with the default settings; a
third of the subjects are in each split. With a target, which takes minutes more, the classifiers that are
trained on biased samples are timed as well. Prints each step as it ends; then, for each section, the seconds
for 1,000 tested samples and the power of their number that the seconds grow with, as
`evaluation/audit/step_costs.py` has them.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.options import make_parser
from evaluation.audit.run import run_audit
from evaluation.audit.settings import AuditSettings
from evaluation.samples.representations import Representations

REFERENCE, IMAGES, WIDTH = 1000, 4, 512
ATTRIBUTES = ("smiling", "gender", "attractive", "ethnicity")
SETTINGS = AuditSettings(sensitive=["smiling"], group="gender", compared=4)


def make_representations(tested: int) -> Representations:
    """Make embeddings of which `tested` are in val and test, and half as many in train."""
    rng = np.random.default_rng(0)
    count = tested * 3 // 2
    identity = np.arange(count) // IMAGES
    labels = dict(zip(ATTRIBUTES, rng.integers(2, size=(len(ATTRIBUTES), count)), strict=True))
    x = rng.normal(size=(count, WIDTH)) + rng.normal(size=(identity[-1] + 1, WIDTH))[identity]
    x[:, :2] += np.stack([labels["smiling"], labels["attractive"]], axis=1)
    return Representations(
        embeddings={"x": (x @ rng.normal(size=(WIDTH, WIDTH))).astype(np.float32)},
        labels=labels,
        classes=dict.fromkeys(ATTRIBUTES, ("no", "yes")),
        identity=identity,
        split=identity % 3,
        sample_id=np.array([f"{i:06d}" for i in range(count)]),
    )


def time_steps(tested: int, settings: AuditSettings) -> dict[str, float]:
    """Audit once; returns the seconds of each section."""
    seconds: dict[str, float] = {}
    running, start = "", time.perf_counter()

    def end_step(following: str) -> None:
        nonlocal running, start
        seconds[running] = time.perf_counter() - start
        print(f"# {tested} samples, {running}: {seconds[running]:.2f} s", flush=True)
        running, start = following, time.perf_counter()

    with tempfile.TemporaryDirectory() as folder:
        run_audit(
            make_representations(tested), settings, Path(folder), lambda step, *_: end_step(step.section)
        )
    end_step("")
    del seconds[""]  # the time before the first step
    return seconds


def fit_costs(sizes: list[int], seconds: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Fit section -> (seconds for `REFERENCE` samples, power) through the timings of two or more sizes."""
    costs = {}
    for section in seconds[0]:
        times = np.maximum([found[section] for found in seconds], 1e-3)
        power, log_seconds = np.polyfit(np.log(np.array(sizes) / REFERENCE), np.log(times), 1)
        costs[section] = (float(f"{np.exp(log_seconds):.2g}"), round(float(power), 1))
    return costs


def main() -> None:
    """Print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--target")
    options = parser.parse_args()
    with threadpool_limits(options.threads):
        timed = [time_steps(size, replace(SETTINGS, target=options.target)) for size in options.sizes]
    for section, cost in fit_costs(options.sizes, timed).items():
        print(f"    {section!r}: {cost},  # {[round(found[section], 2) for found in timed]}")


if __name__ == "__main__":
    main()
