"""Train attractiveness on CelebA under smile bias: every draw of every sample, then mean and spread.

    python -m benchmarks.celeba_smile_bias --root CELEBA --backbone onnx --weights recogniser.onnx

Runs `recipes/train.py --config attractiveness.yaml --config data/celeba.yaml --config sample/<name>.yaml`
once per sample and seed (a seed is a new draw of the images and new initial weights), skips existing runs,
and prints mean and standard deviation over the seeds, from the metrics.csv of each run.
"""

import subprocess
import sys
from pathlib import Path

import pandas as pd

from benchmarks.options import make_parser
from recipes.command_line.config_lookup import TRAIN

COLUMNS = {
    "accuracy": "test/accuracy",
    "TPR smiling": "test/tpr/smiling=yes",
    "TPR not smiling": "test/tpr/smiling=no",
    "FPR smiling": "test/fpr/smiling=yes",
    "FPR not smiling": "test/fpr/smiling=no",
}


def finished(folder: Path) -> pd.Series | None:
    """Return the test metrics of the newest finished run under `folder`; None if there is none."""
    for file in sorted(folder.glob("*/metrics.csv"), reverse=True):
        table = pd.read_csv(file)
        if "test/accuracy" in table and table["test/accuracy"].notna().any():
            return table[list(COLUMNS.values())].dropna(how="all").iloc[-1]
    return None


def main() -> None:
    """Run what is missing, then print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("--root", required=True, help="CelebA's folder")
    parser.add_argument("--backbone", default="vggface2_resnet50", help="default: %(default)s")
    parser.add_argument("--weights", help="file of the recogniser's weights")
    parser.add_argument("--seeds", type=int, default=5, help="draws of each sample (default: 5)")
    parser.add_argument("--samples", nargs="+", default=["unbiased", "biased_70", "biased_90"])
    parser.add_argument("--n", type=int, help="training images (default: the most that every sample allows)")
    arguments, options = parser.parse_known_args()
    rows = {}
    for sample in arguments.samples:
        for seed in range(arguments.seeds):
            experiment = f"celeba_smile_bias/{sample}/seed_{seed}"
            if finished(Path("runs") / experiment) is None:
                command = [sys.executable, str(TRAIN), "--config", "attractiveness.yaml"]
                command += ["--config", "data/celeba.yaml", "--config", f"sample/{sample}.yaml"]
                command += ["--data.init_args.root", arguments.root, "--seed_everything", str(seed)]
                command += ["--model.init_args.backbone", arguments.backbone, "--experiment", experiment]
                command += ["--model.init_args.weights", arguments.weights] if arguments.weights else []
                if arguments.n:
                    command += ["--data.init_args.train_sample.n", str(arguments.n)]
                subprocess.run([*command, "--trainer.logger", "false", *options], check=True)
            rows[sample, seed] = finished(Path("runs") / experiment)
    table = 100 * pd.DataFrame(rows).T.rename(columns={v: k for k, v in COLUMNS.items()})
    table["gap"] = table["TPR smiling"] - table["TPR not smiling"]
    table.index.names = ["sample", "seed"]
    summary = table.groupby("sample", sort=False).agg(["mean", "std"])
    print(table.round(1).to_string())
    print(f"\nmean and standard deviation over {arguments.seeds} draws, in percent (gap: in points, signed)")
    print(summary.round(1).to_string())


if __name__ == "__main__":
    main()
