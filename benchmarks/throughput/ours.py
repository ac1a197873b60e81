"""Our engine: ``python -m benchmarks.throughput.ours REQUEST.json`` serves passes, see ``drivers/serving.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.throughput.drivers.serving import serve
from benchmarks.throughput.drivers.templates import from_output, write_templates
from benchmarks.throughput.flows import find
from pocket.configuration.configurator import Configurator
from pocket.datasets.branches import Branch, split
from pocket.engine.resources import Resources
from pocket.engine.run import run_branch
from pocket.outputs.merging import merge_outputs

Output = dict[str, Any]


def part_of(fileset: Mapping[str, Any], events: int, part: int = 0, parts: int = 1) -> Branch:
    """Return one of several equal parts of the first events of a fileset with one dataset.

    Args:
        fileset: the fileset.
        events: number of events to divide; all if there are fewer.
        part: number of the part, from 0.
        parts: number of parts.
    """
    (dataset,) = fileset.values()
    events = min(events, dataset["metadata"]["nevents"])
    return split(fileset, -(-events // parts))[part]


def process(
    config: Configurator, branch: Branch, fileset: Mapping[str, Any], resources: Resources, chunk_size: int
) -> Output:
    """Return the normalised output of a branch, as RunProcessor and MergeOutputs make it."""
    # Only these events are merged, even if the files have more.
    metadata = {**fileset[branch.dataset]["metadata"], "nevents": branch.stop - branch.start}
    output = run_branch(config.plan(), branch, metadata, resources, chunk_size=chunk_size).output
    output.pop("columns")
    return merge_outputs(config.merging_plan(), [output], {branch.dataset: metadata})


def prepare(request: Mapping[str, Any]) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return the pass over the files, and the writing of its templates."""
    config, fileset = find(request["flow"]).configuration(), request["fileset"]
    resources = Resources(toys=request["corrections"])
    branch = part_of(fileset, request["events"], *request["part"])
    last: dict[str, Output] = {}

    def make_pass() -> None:
        # The previous output must not count in the memory of this pass.
        last.clear()
        last["output"] = process(config, branch, fileset, resources, request["chunk_size"])

    def write() -> None:
        write_templates(Path(request["output"]), from_output(last["output"]))

    process(config, part_of(fileset, request["warm_up"]), fileset, resources, request["warm_up"])
    return make_pass, write


if __name__ == "__main__":
    serve(prepare)
