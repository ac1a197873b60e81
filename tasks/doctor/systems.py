"""Checks of installed commands and packages, and of the batch system's answers."""

from __future__ import annotations

import shutil
import subprocess
import textwrap

from pocket.io.remote.client import client_is_installed
from tasks.doctor.result import Result, Status
from tasks.settings.batch_systems import BATCH_SYSTEMS, BatchSystem

SECONDS = 60
#: length of the part of a command's error message that is shown
MOST_CHARACTERS = 300


def batch_system(system: BatchSystem) -> Result:
    """Return whether a batch system is installed, its queue answers and it has machines."""
    missing = [command for command in system.commands if not shutil.which(command)]
    if missing:
        advice = "log in to a machine of the site that takes submissions"
        return Result(system.name, Status.PROBLEM, f"{missing[0]} isn't on PATH", advice)
    for question in (system.queue, system.machines):
        try:
            answer = subprocess.run(question, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            found = f"{question[0]} doesn't answer within {SECONDS} s"
            return Result(system.name, Status.PROBLEM, found, "try another submit machine, or later")
        if answer.returncode:
            reason = textwrap.shorten(answer.stderr or answer.stdout, MOST_CHARACTERS, placeholder=" …")
            found = f"{question[0]} fails: {reason}"
            return Result(system.name, Status.PROBLEM, found, "try another submit machine, or later")
    if not answer.stdout.strip():
        advice = "ask those who run it, or wait"
        return Result(system.name, Status.WARNING, "the queue answers, but no machine is there", advice)
    return Result(system.name, Status.OK, "the queue answers, and there are machines")


def systems_here() -> Result:
    """Return which batch systems this machine has, for runs that need none."""
    here = {kind: system.name for kind, system in BATCH_SYSTEMS.items() if all(map(shutil.which, system.commands))}
    found = "; ".join(f"{name} is here (--workflow {kind} checks it)" for kind, name in here.items())
    return Result("batch system", Status.OK, found or "none is here, and local runs need none")


def xrootd_client() -> Result:
    """Return whether the packages for root:// files are installed."""
    if client_is_installed():
        return Result("XRootD", Status.OK, "the packages for root:// files are here")
    advice = "source setup.sh, or pip install 'pocketlaw[xrootd]'"
    return Result(
        "XRootD", Status.WARNING, "fsspec-xrootd and xrootd aren't installed, which root:// files need", advice
    )
