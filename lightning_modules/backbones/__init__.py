"""Build feature extractors and load their weights."""
