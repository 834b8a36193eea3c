"""Shared parts of the callbacks."""
