#!/usr/bin/env python3
"""A simulated schedd: one script under the names of HTCondor's commands.

``$FAKE_BATCH`` is a folder with ``plan.json``: ``outputs`` (branches like ``_0To1`` → where the output of the job is
kept and where it belongs) and ``outcomes`` (branches → one per attempt: ``ok``, ``held CODE REASON``, ``fail ERROR``,
``forgotten`` after it was done, ``empty`` for no output, or ``lost``; ``ok`` when there are no more), ``hosts``
(branches → where a job runs, else ``node1``), ``slots`` (how many jobs begin per look at the queue, all by default),
and ``silent`` (commands that don't answer, once for each time they are named). A job is idle, then runs, then has its
outcome, a step per look at the queue. A job on hold with the code 1 is released at the second look. Calls are noted in
``calls.txt``.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

IDLE, RUNNING, REMOVED, COMPLETED, HELD = 1, 2, 3, 4, 5


def submit(state: dict[str, Any], plan: dict[str, Any], arguments: list[str]) -> None:
    """Take the jobs of a submit file."""
    text = Path(arguments[-1]).read_text()
    state["clusters"] += 1
    control = re.search(r'^MY.PocketlawControl = "(.*)"$', text, re.MULTILINE)
    memory = re.search(r"^request_memory = (\d+)$", text, re.MULTILINE)
    flavour = re.search(r'^MY.JobFlavour = "(.*)"$', text, re.MULTILINE)
    runtime = re.search(r"^MY.MaxRuntime = (\d+)$", text, re.MULTILINE)
    requirements = re.search(r"^requirements = (.*)$", text, re.MULTILINE)
    assert control
    assert memory
    names = re.findall(r"^    (_\d+To\d+), ", text, re.MULTILINE)
    for number, name in enumerate(names):
        attempt = state["attempts"].get(name, 0)
        outcomes = plan["outcomes"].get(name, [])
        state["attempts"][name] = attempt + 1
        state["jobs"][f"{state['clusters']}.{number}"] = {
            "ClusterId": state["clusters"],
            "ProcId": number,
            "JobStatus": IDLE,
            "RequestMemory": int(memory[1]),
            "JobFlavour": flavour and flavour[1],
            "MaxRuntime": runtime and int(runtime[1]),
            "Requirements": requirements[1] if requirements else "",
            "PocketlawControl": control[1],
            "PocketlawBranches": name,
            "RemoteHost": f"slot1@{plan.get('hosts', {}).get(name, 'node1')}",
            "outcome": outcomes[attempt] if attempt < len(outcomes) else "ok",
        }
    print(f"Submitting job(s)...\n{len(names)} job(s) submitted to cluster {state['clusters']}.")


def step(job: dict[str, Any], plan: dict[str, Any]) -> None:
    """Let a job go on."""
    if job["JobStatus"] == IDLE:
        job["JobStatus"] = RUNNING
        return
    if job["JobStatus"] == HELD and job["HoldReasonCode"] == 1:
        job["looks"] = job.get("looks", 0) + 1
        if job["looks"] == 2:
            job.update(JobStatus=RUNNING, outcome="ok")
        return
    if job["JobStatus"] != RUNNING:
        return
    word, _, rest = job["outcome"].partition(" ")
    if word in ("ok", "forgotten"):
        kept, place = plan["outputs"][job["PocketlawBranches"]]
        if Path(kept).exists():
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(kept, place)
        job.update(JobStatus=COMPLETED if word == "ok" else 0, ExitCode=0, EnteredCurrentStatus=time.time())
    elif word == "empty":
        job.update(JobStatus=COMPLETED, ExitCode=0, EnteredCurrentStatus=time.time())
    elif word == "fail":
        log = Path(job["PocketlawControl"], f"stdall{job['PocketlawBranches']}.txt")
        log.write_text(f"Traceback (most recent call last):\n{rest}\n")
        job.update(JobStatus=COMPLETED, ExitCode=60, EnteredCurrentStatus=time.time())
    elif word == "held":
        code, _, reason = rest.partition(" ")
        job.update(JobStatus=HELD, HoldReasonCode=int(code), HoldReason=reason)
    else:
        job.update(JobStatus=0)


def main(name: str, arguments: list[str]) -> None:
    """Run one of the commands."""
    folder = Path(os.environ["FAKE_BATCH"])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / "state.json"
        state = json.loads(path.read_text()) if path.exists() else {"clusters": 0, "jobs": {}, "attempts": {}}
        plan = json.loads((folder / "plan.json").read_text())
        with (folder / "calls.txt").open("a") as calls:
            calls.write(f"{name}\n")
        if name == "condor_version":
            print("$CondorVersion: 23.9.6 2024-08-08 $")
        elif name == "condor_submit":
            submit(state, plan, arguments)
        elif name == "condor_rm":
            for job_id in arguments:
                state["jobs"][job_id].update(JobStatus=REMOVED, EnteredCurrentStatus=time.time())
        else:
            if name in plan.get("silent", ()):
                plan["silent"].remove(name)
                (folder / "plan.json").write_text(json.dumps(plan))
                sys.exit("Failed to connect to the schedd")
            wanted = (IDLE, RUNNING, HELD) if name == "condor_q" else (REMOVED, COMPLETED)
            if name == "condor_q":
                idle = [job_id for job_id, job in state["jobs"].items() if job["JobStatus"] == IDLE]
                waiting = set(idle[plan.get("slots", len(idle)) :])
                for job_id, job in state["jobs"].items():
                    if job_id not in waiting:
                        step(job, plan)
            found = [job for job in state["jobs"].values() if job["JobStatus"] in wanted]
            if name == "condor_history":
                constraint = arguments[arguments.index("-constraint") + 1]
                named = re.findall(r"ClusterId == (\d+) && member\(ProcId, \{([\d,]+)\}\)", constraint)
                asked = {(int(cluster), int(one)) for cluster, ids in named for one in ids.split(",")}
                found = [job for job in found if (job["ClusterId"], job["ProcId"]) in asked]
                found.sort(key=lambda job: job["EnteredCurrentStatus"], reverse=True)
                del found[int(arguments[arguments.index("-limit") + 1]) :]
            # as the real one does, nothing at all where there is nothing
            print(json.dumps(found) if found else "")
        path.write_text(json.dumps(state))


if __name__ == "__main__":
    main(Path(sys.argv[0]).name, sys.argv[1:])
