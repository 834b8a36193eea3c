"""Entry points: one thin script per job, run as `python recipes/<job>.py`."""
