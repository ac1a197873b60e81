#!/usr/bin/env python3
"""A simulated Slurm, for what a real one shows too slowly or not at all: one script under the names of its commands.

``$FAKE_BATCH`` is a folder with ``plan.json``, as of ``fake_condor.py``; here an outcome is a state that squeue prints,
with the reason and the exit code: ``TIMEOUT TimeLimit 0:15``. ``gone`` is a job that ended well and was forgotten.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

DONE = "COMPLETED None 0:0"


def submit(state: dict[str, Any], plan: dict[str, Any], arguments: list[str]) -> None:
    """Take the jobs of an array."""
    script = Path(arguments[-1]).absolute()
    text = script.read_text()
    state["arrays"] += 1
    for index, name in enumerate(re.findall(r"^slurm_job\w*(_\d+To\d+)\.sh$", text, re.MULTILINE)):
        attempt = state["attempts"].get(name, 0)
        state["attempts"][name] = attempt + 1
        outcomes = plan["outcomes"].get(name, [])
        state["jobs"][f"{state['arrays']}_{index}"] = {
            "branches": name,
            "options": re.findall(r"^#SBATCH --(.*)$", text, re.MULTILINE),
            "script": str(script),
            "state": "PENDING Resources 0:0",
            "outcome": outcomes[attempt] if attempt < len(outcomes) else DONE,
        }
    print(f"Submitted batch job {state['arrays']}")


def step(job: dict[str, Any], plan: dict[str, Any]) -> None:
    """Let a job go on."""
    if job["state"].startswith("PENDING"):
        job["state"] = "RUNNING None 0:0"
    elif job["state"].startswith("RUNNING"):
        job["state"] = job["outcome"]
        if job["outcome"] in (DONE, "gone"):
            kept, place = plan["outputs"][job["branches"]]
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(kept, place)


def main(name: str, arguments: list[str]) -> None:
    """Run one of the commands."""
    folder = Path(os.environ["FAKE_BATCH"])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / "state.json"
        state = json.loads(path.read_text()) if path.exists() else {"arrays": 0, "jobs": {}, "attempts": {}}
        plan = json.loads((folder / "plan.json").read_text())
        with (folder / "calls.txt").open("a") as calls:
            calls.write(f"{name}\n")
        if name == "sbatch":
            submit(state, plan, arguments)
        elif name == "scancel":
            for job_id in arguments:
                state["jobs"][job_id]["state"] = "CANCELLED None 0:15"
        elif name == "squeue":
            widths = [int(width) for width in re.findall(r":(\d+)", arguments[-1])]
            for job_id, job in state["jobs"].items():
                step(job, plan)
                if job["state"] != "gone":
                    host = plan.get("hosts", {}).get(job["branches"], "node1")
                    values = [job_id, *job["state"].split(" "), host, job["script"]]
                    print("".join(value.ljust(width) for value, width in zip(values, widths, strict=True)))
        else:
            sys.exit("Slurm accounting storage is disabled")
        path.write_text(json.dumps(state))


if __name__ == "__main__":
    main(Path(sys.argv[0]).name, sys.argv[1:])
