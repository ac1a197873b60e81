"""Rows of the table of mistakes, and the steps at which a mistake may come to light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from pocket.configuration.configurator import Configurator
from pocket.engine.chunk import process_chunk
from pocket.engine.resources import Resources, resolve_parameters
from pocket.errors import PocketError
from pocket.outputs.merging import merge_outputs
from pocket.plots.specification import check_style
from tests.pocket.configs import metadata

#: the steps, in their order: parameters, configuration and analysis are built; tasks are planned; events are
#: processed; outputs are merged
BUILT, PLAN, EVENTS, MERGE = "when it is built", "in the plan", "at the first event", "in the merge"
#: no mistake
NEVER = "never"


@dataclass(frozen=True)
class Row:
    """One mistake.

    Args:
        mistake: what is wrong.
        sentence: regular expression of the whole sentence.
        make: makes what has the mistake, in an empty folder; a configuration is used as tasks would.
        known: the step at which the mistake must be known.
    """

    mistake: str
    sentence: str
    make: Callable[[Path], Any]
    known: str = BUILT


def events() -> ak.Array:
    """Return four events of simulation."""
    pileup = ak.zip({"nTrueInt": np.array([0.5, 1.5, 0.5, 1.5])})
    weights = np.array([1.0, -1.0, 0.5, 4.0], dtype=np.float32)
    return ak.Array(
        {"x": [0.5, 0.5, 1.5, 1.5], "genWeight": weights, "skimRescaleGenWeight": np.ones(4), "Pileup": pileup}
    )


def first_mistake(row: Row, folder: Path) -> tuple[str, Exception | None]:
    """Return the step at which the mistake of a row comes to light, and the error."""
    step = BUILT
    try:
        made = row.make(folder)
        if isinstance(made, Configurator):
            step = PLAN
            plan = made.plan()
            check_style(made.figure_plan())
            # as the tasks of the first and of the last step have them
            processed = plan.with_parameters(resolve_parameters(plan, Resources()))
            step = EVENTS
            datasets = [name for name, definition in made.definitions.items() if definition.is_mc]
            known = {name: metadata(made, name) for name in datasets}
            outputs = [process_chunk(made.workflow(processed), events(), known[name]) for name in datasets]
            step = MERGE
            merge_outputs(made.merging_plan(), outputs, known)
    except PocketError as error:
        return step, error
    return NEVER, None
