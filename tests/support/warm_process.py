"""Imported by a process that forks others: they find all loaded, also what is loaded when first used."""

import pandas.io.parquet  # noqa: F401
import pyarrow.dataset
import pyarrow.parquet  # noqa: F401
from PIL import Image

import tests.support.face_tree  # noqa: F401

Image.init()
