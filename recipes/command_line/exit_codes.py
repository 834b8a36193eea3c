"""Exit codes of a process that a signal ended, as shells count them."""

import signal

INTERRUPTED = 128 + signal.SIGINT
"""Ctrl-C."""

TERMINATED = 128 + signal.SIGTERM
"""`kill`, or a cluster that preempts the job."""
