"""Declarations of grids of signals: one model that is fitted for each value of a parameter of its signal."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pocket.base.arguments import Declarative
from pocket.errors import ConfigError, check_known
from pocket.statistics.model import is_number

if TYPE_CHECKING:
    from pocket.statistics.declarations import StatisticalModel


@dataclass(frozen=True)
class Grid(metaclass=Declarative):
    """Values of a parameter of the signal, such as its mass, at each of which a model is fitted.

    Args:
        name: the parameter; ``{name}`` stands for its value in samples, and in categories and variables of regions.
        points: its values, two or more.
        theory: value → cross section in pb to which the sample is normalised, and its error; none by default.
        label: what plots call the parameter, with its unit; default: the name.
        poi: the parameter of interest; default: that of the signals with ``{name}``.

    Raises:
        ConfigError: if the points are fewer than two, one is there twice, or those of the theory are others.

    >>> Grid("m", (250, 200), theory={200: (1.9, 0.2), 250: (0.8, 0.1)}).models("zprime")
    {200.0: 'zprime_m200', 250.0: 'zprime_m250'}
    """

    name: str
    points: Sequence[float]
    theory: Mapping[float, tuple[float, float]] = field(default_factory=dict)
    label: str = ""
    poi: str = ""

    def __post_init__(self) -> None:
        where = f"Grid({self.name!r})"
        if not isinstance(self.name, str) or not re.fullmatch(r"[A-Za-z]\w*", self.name, re.ASCII):
            raise ConfigError(f"{where} needs a name of letters, digits and underscores, with a letter in front")
        if wrong := [point for point in (*self.points, *self.theory) if not is_number(point)]:
            raise ConfigError(f"{where}: the point {wrong[0]!r} must be a number")
        points = sorted(map(float, self.points))
        if len(points) < 2:
            raise ConfigError(f"{where} needs two points or more, not {points}")
        if twice := {point for point in points if points.count(point) > 1}:
            raise ConfigError(f"{where} has the point {min(twice):g} twice")
        if self.theory and (other := set(points) ^ set(self.theory)):
            has = "theory, but none" if min(other) in points else "no point, but theory"
            raise ConfigError(f"{where} has {has} at {min(other):g}")
        for point, value in self.theory.items():
            is_pair = isinstance(value, tuple | list) and len(value) == 2 and all(map(is_number, value))
            if not is_pair or not 0 <= value[1] < value[0]:
                raise ConfigError(
                    f"{where}: theory at {point:g} is {value!r}, not a cross section and its smaller error"
                )
        object.__setattr__(self, "points", tuple(points))

    def models(self, name: str) -> dict[float, str]:
        """Return point → name of its model, for the name of what has the grid."""
        return {point: f"{name}_{self.name}{point:.12g}" for point in self.points}

    def of(self, model: StatisticalModel) -> Grid:
        """Return the grid with the parameter of interest of a model.

        Raises:
            UnknownNameError: if a sample has a placeholder of another name.
            ConfigError: if no signal has the placeholder, or signals of several parameters of interest have it.
        """
        found = {name: re.findall(r"\{(.*?)\}", " ".join(one.samples)) for name, one in model.processes.items()}
        for name, placeholders in found.items():
            check_known("placeholder", placeholders, [self.name], f"the samples of process {name!r}")
        pois = {poi for name in found if found[name] and (poi := model.poi_of(name))}
        if len(pois) != 1:
            have = f"those of {' and '.join(sorted(pois))} have it" if pois else "none has it"
            raise ConfigError(
                f"Grid({self.name!r}) needs {{{self.name}}} in samples of signals of one parameter of interest; {have}"
            )
        return replace(self, poi=pois.pop())


def grids_of(models: Mapping[str, Any]) -> dict[str, Grid]:
    """Return the grids of models by their names; a model that combines some with a grid has that grid."""
    own = {name: model.grid for name, model in models.items() if getattr(model, "grid", None)}
    found = dict(own)
    for name, model in models.items():
        combined = [own[part] for part in getattr(model, "models", ()) if part in own]
        if any(grid != combined[0] for grid in combined):
            raise ConfigError(
                f"the combined model {name!r} has grids that differ in points, theory, label or parameter"
            )
        found |= {name: combined[0]} if combined else {}
    return found


def with_points(models: Mapping[str, Any]) -> dict[str, Any]:
    """Return the models of an analysis, and one for each point of each grid."""
    found, grids = dict(models), grids_of(models)
    for name, grid in grids.items():
        for point, of_point in grid.models(name).items():
            made = _at_point(models[name], grid, point, grids)
            if found.setdefault(of_point, made) != made:
                raise ConfigError(f"the model {of_point!r} has the name of a point of the grid {name!r}")
    return found


def _at_point(model: Any, grid: Grid, point: float, grids: Mapping[str, Grid]) -> Any:
    if hasattr(model, "models"):
        parts = (grid.models(part)[point] if part in grids else part for part in model.models)
        return _changed(model, models=tuple(parts))

    def filled(text: str) -> str:
        return text.replace(f"{{{grid.name}}}", f"{point:.12g}")

    processes, regions = dict(model.processes), dict(model.regions)
    for name, one in processes.items():
        processes[name] = _changed(one, samples=tuple(map(filled, one.samples)))
    for name, one in regions.items():
        regions[name] = _changed(one, category=filled(one.category), variable=filled(one.variable))
    made = _changed(model, processes=processes, regions=regions, grid=None)
    made.__post_init__()
    return made


def _changed(declaration: Any, **fields: Any) -> Any:
    """Return a copy of a declaration with other values, which errors place where that is."""
    made = copy.copy(declaration)
    vars(made).update(fields)
    return made
