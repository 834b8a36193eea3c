"""Representations, subjects and groups to measure on."""
