"""Templates of nuisances before and after their treatment, summed over processes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from pocket.base.typing import Floats
from pocket.statistics.binning import apply_flow
from pocket.statistics.building import Built, stored_effects, varied_sum
from pocket.statistics.declarations import StatisticalModel
from pocket.statistics.regions import Contents, RegionTemplates
from pocket.statistics.treatment import Treated

#: steps of which the method is part of the description
_WITH_METHOD = ("symmetrise", "smooth", "prune")


@dataclass(frozen=True, eq=False)
class Varied:
    """Templates of a nuisance, shape (bins,); edges are None for one bin with all events."""

    edges: Floats | None
    nominal: Floats
    variances: Floats
    up: Floats
    down: Floats

    def __add__(self, other: Varied) -> Varied:
        """Return the sum of two processes."""
        pairs = ((getattr(one, name) for one in (self, other)) for name in ("nominal", "variances", "up", "down"))
        return Varied(self.edges, *(first + second for first, second in pairs))


@dataclass(frozen=True, eq=False)
class Shift:
    """A nuisance in a region: sums of the processes as they are stored, without flow, and as they are in the model."""

    nuisance: str
    processes: tuple[str, ...]
    before: Varied
    after: Varied
    steps: tuple[str, ...]


def find_shifts(
    declaration: StatisticalModel,
    built: Built,
    name: str,
    templates: RegionTemplates,
    processes: Collection[str] = (),
) -> dict[str, Shift]:
    """Return nuisance → its templates in a region where some are stored, by default of all processes."""
    record, region = built.treatment[name], built.model.region(name)
    parts: dict[str, dict[str, tuple[Varied, Varied]]] = {}
    stored: set[str] = set()
    for row, process in enumerate(region.processes):
        if processes and process not in processes:
            continue
        by_year = templates.contents[process]
        whole = _sum(by_year)
        sides: dict[str, tuple[Floats | None, Floats | None]] = {}
        for variation, _, parameter in stored_effects(declaration, name, process, by_year):
            sides[parameter.name] = varied_sum(by_year, variation, parameter.years)
        stored |= sides.keys()
        for nuisance, effect in record.processes[process].effects.items():
            before = _before(whole, sides.get(nuisance), effect, templates.edges, record.flow)
            after = _after(region.nominal[row], region.sumw2[row], effect, region.edges)
            parts.setdefault(nuisance, {})[process] = before, after
    rebinned = record.edges is not None and not np.array_equal(*record.edges)
    found = {}
    for nuisance, by_process in parts.items():
        if nuisance not in stored:
            continue
        (before, after), *others = by_process.values()
        for other in others:
            before, after = before + other[0], after + other[1]
        effects = {process: record.processes[process].effects[nuisance] for process in by_process}
        steps = (*(("rebin",) if rebinned else ()), f"flow {record.flow}", *_steps(effects))
        found[nuisance] = Shift(nuisance, tuple(by_process), before, after, steps)
    return found


def _sum(by_year: Mapping[str, Contents]) -> Contents:
    first, *others = by_year.values()
    values = sum((one.values for one in others), first.values)
    return Contents(values, sum((one.variances for one in others), first.variances))


def _before(
    whole: Contents,
    sides: tuple[Floats | None, Floats | None] | None,
    effect: Treated,
    edges: Floats | None,
    flow: str,
) -> Varied:
    """Return stored templates; a missing side is nominal, and what isn't stored has the factors that are declared."""
    down_factor, up_factor = effect.factors if sides is None else (1.0, 1.0)
    up, down = (None, None) if sides is None else sides
    arrays = (
        whole.values,
        whole.variances,
        whole.values * up_factor if up is None else up,
        whole.values * down_factor if down is None else down,
    )
    # One bin has all events that are counted, of others only those inside are shown.
    inside = [apply_flow(each, flow) if edges is None else each[1:-1] for each in arrays]
    return Varied(edges, *inside)


def _after(nominal: Floats, variances: Floats, effect: Treated, edges: Floats | None) -> Varied:
    down_factor, up_factor = effect.factors
    up, down = effect.shapes or (nominal * up_factor, nominal * down_factor)
    if effect.kind == "pruned":
        up = down = nominal
    return Varied(edges, nominal, variances, up, down)


def _steps(effects: Mapping[str, Treated]) -> list[str]:
    """Return the steps of all processes, each once."""
    steps = (step for effect in effects.values() for step in effect.steps)
    return list(
        dict.fromkeys(f"{step.name} ({step.how})" if step.name in _WITH_METHOD else step.name for step in steps)
    )
