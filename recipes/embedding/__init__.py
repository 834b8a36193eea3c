"""Embed faces with a checkpoint or a backbone."""
