"""Datasets: one DataModule for each, their shared samplers, and embedded synthetic faces."""

import os

# albumentations asks a server for its newest version when it is imported, unless told not to.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
