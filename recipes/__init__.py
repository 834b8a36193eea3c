"""Commands: one thin script for each, run as `python recipes/<command>.py`."""
