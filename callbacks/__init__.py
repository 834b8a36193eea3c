"""Callbacks that observe a training run."""
