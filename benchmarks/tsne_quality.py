"""Measure how well a t-SNE map of 50 principal components keeps neighbours, compared with all features.

    OMP_NUM_THREADS=1 python -m benchmarks.tsne_quality [--table x.safetensors]

Trustworthiness (scikit-learn, 15 neighbours, 1 is perfect) of the audit's maps and of t-SNE from all
features, both against the neighbours in the embedding; and processor time. Constructed embeddings of 300
identities in 2,048 numbers, or a table's. The same seed has to give the same map. The last line is JSON.
"""

import json
import time
from pathlib import Path

import numpy as np
from sklearn.manifold import TSNE, trustworthiness

from benchmarks.options import make_parser
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.probes.embedding_map import perplexity, sample_rows, tsne_points

NEIGHBOURS = 15


def constructed(samples: int = 2100, features: int = 2048, people: int = 300) -> np.ndarray:
    """Make (N, D) embeddings of identities in 40 directions, with noise in all."""
    rng = np.random.default_rng(0)
    centre = rng.standard_normal((people, 40)) @ rng.standard_normal((40, features))
    return centre[np.arange(samples) % people] + 3 * rng.standard_normal((samples, features))


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--table", type=Path, help="an embedding table (default: constructed embeddings)")
    options = parser.parse_args()
    x = constructed()
    if options.table:
        x = np.asarray(EmbeddingTable.load(options.table).embedding, np.float64)
        x = x[sample_rows(len(x), most=2100)]
    whole = TSNE(perplexity=perplexity(len(x)), init="pca", random_state=0)
    ways = {"ours": lambda: tsne_points(x), "all features": lambda: whole.fit_transform(x)}
    found = {}
    for name, draw in ways.items():
        start = time.process_time()
        points = draw()
        seconds = time.process_time() - start
        kept = float(trustworthiness(x, points, n_neighbors=NEIGHBOURS))
        print(f"{name}: trustworthiness {kept:.4f}, {seconds:.1f} s")
        found[name] = {"trustworthiness": round(kept, 4), "seconds": round(seconds, 1)}
    assert np.array_equal(tsne_points(x), tsne_points(x)), "the same seed gives two pictures"
    print(json.dumps({"samples": len(x), "features": x.shape[1], **found}))


if __name__ == "__main__":
    main()
