"""Runs configurations of ttbar on small toy files, and compares what they fill with a loop."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from analysis.ttbar.workflow import TTBAR
from pocket.configuration.configurator import Configurator
from pocket.datasets.branches import Branch, Segment
from pocket.engine.resources import Resources
from pocket.engine.run import run_branch
from tests.oracle import Histogram

DATA = "DATA_SingleMuon"
#: process of the toys → events in its file
EVENTS = {"ttsemi": 1500, "data": 4000}


def uuid_of(process: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, process)


def passes_skim(event: Any, collection: str, trigger: str) -> bool:
    """Whether an event passes the skim of dilepton toys, by loops without any of the package's code.

    Args:
        event: the event, with all branches.
        collection: the leptons, two of which have 20 GeV.
        trigger: name of the branch of the trigger.
    """
    certified = [(315257, 1, 88), (315257, 91, 92), (315259, 1, 172), (315420, 28, 921), (315420, 924, 942)]
    in_golden = event["run"] == 1 or any(
        event["run"] == number and first <= event["luminosityBlock"] <= last for number, first, last in certified
    )
    enough = sum(pt > 20 for pt in event[f"{collection}_pt"]) >= 2
    filters = all(event[name] for name in event.fields if name.startswith("Flag_"))
    return bool(in_golden and enough and filters and event[trigger] and event["PV_npvsGood"] >= 1)


def run(cfg: Configurator, toys: Path, process: str = "ttsemi", chunk_size: int = 5000) -> dict[str, Any]:
    """Return the raw output of a configuration on one of the files."""
    sample = DATA if process == "data" else TTBAR
    (dataset,) = (name for name, definition in cfg.definitions.items() if definition.sample == sample)
    segment = Segment(str(toys / f"{process}.root"), str(uuid_of(process)), "Events", 0, EVENTS[process])
    branch = Branch(dataset, 0, EVENTS[process], (segment,))
    metadata = cfg.definitions[dataset].metadata()
    return run_branch(cfg.plan(), branch, metadata, Resources(toys=str(toys)), chunk_size=chunk_size).output


def only(by_dataset: Mapping[str, Any]) -> Any:
    """Return the entry of the one dataset."""
    (value,) = by_dataset.values()
    return value


def check(histogram: Any, category: str, variation: str, expected: Histogram) -> None:
    """Compare a category and a variation with those of the loop."""
    where = {"cat": category}
    if "variation" in (axis.name for axis in histogram.axes):
        where["variation"] = variation
    view = histogram[where].view(flow=True)
    assert view["value"].tolist() == pytest.approx(expected.sumw, rel=1e-9, abs=1e-9), where
    assert view["variance"].tolist() == pytest.approx(expected.sumw2, rel=1e-9, abs=1e-9), where
