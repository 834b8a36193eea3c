"""W&B's local sweep engine, for an interpreter that has the package `sweeps`; lines of JSON in and out.

The first line in is the sweep, the first out what is wrong with it by W&B's schema. Each line in after that
is the summary of the last run (null before the first), each out the next run, or null.
"""

import json
import sys

import sweeps


def answer(content) -> None:
    print(json.dumps(content), flush=True)


sweep = json.loads(sys.stdin.readline())
answer(sweeps.schema_violations_from_proposed_config(sweep))
runs = []
for line in sys.stdin:
    if runs:
        runs[-1].state, runs[-1].summary_metrics = sweeps.RunState.finished, json.loads(line)
    run = sweeps.next_run(sweep, runs, validate=True)
    if run is not None:
        runs.append(run)
    answer(run and run.config)
