"""Places of the outputs of analyses' tasks, asked of a checkout in a process of its own.

Reads a question per line from standard input, JSON with the references of analyses, and answers each from a fork, in
which nothing of the project was imported before: analysis → task → folder below the store. Run as a file, with the
checkout in PYTHONPATH; it imports nothing of the tests.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

#: libraries that all checkouts have in common; to import them takes longest
LIBRARIES = ("awkward", "law", "law.contrib", "luigi", "numpy", "omegaconf", "yaml")


def ends(reference: str, default: bool) -> list[Any]:
    """Return the tasks at the end of an analysis' chains, or of the chain of its default configuration."""
    from pocket.configuration.loading import load_analysis
    from tasks.chain.plotting import PlotScaleFactors, PlotTemplates

    analysis = load_analysis(reference)
    common = {"version": "v1", "analysis": reference, "events_per_branch": 60}
    return [
        *(
            PlotTemplates(config=config, accept_closure=True, **common)
            for config in ([analysis.default_config] if default else analysis.configs)
        ),
        *(PlotScaleFactors(scale_factor=name, **common) for name in analysis.scale_factors),
    ]


def tasks_of(reference: str, default: bool) -> dict[str, Any]:
    """Return all tasks of an analysis, or those of its default configuration, by family and what they belong to."""
    found: dict[str, Any] = {}
    for end in ends(reference, default):
        for task, *_ in end.walk_deps():
            found.setdefault(f"{task.task_family} {task.config_part}", task)
    return found


def answer(question: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return analysis → task → folder, or for incomplete tasks of the default configuration alone."""
    from tasks.core import targets

    store = os.environ["POCKET_STORE"]
    result = {}
    targets._found.set({})
    for reference in question["analyses"]:
        tasks = tasks_of(reference, bool(question.get("incomplete")))
        result[reference] = {
            name: os.path.relpath(task.directory, store)
            for name, task in tasks.items()
            if not question.get("incomplete") or not targets.are_complete(task)
        }
    return result


def answer_in_fork(question: dict[str, Any]) -> str:
    """Return the answer of a process that imports the project for it."""
    read, write = os.pipe()
    if not (child := os.fork()):
        try:
            os.close(read)
            os.dup2(2, 1)
            text = json.dumps(answer(question))
            with os.fdopen(write, "w") as pipe:
                pipe.write(text)
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text or "null"


def main() -> None:
    """Answer all questions."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        print(answer_in_fork(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
