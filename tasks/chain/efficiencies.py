"""Plots of efficiencies from merged templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import law

from pocket.base.runtime.remarks import some_of
from pocket.errors import ConfigError, check_known
from tasks.chain.systematics import PlotsWithData
from tasks.framework.base import load
from tasks.settings.options import option

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator
    from pocket.histograms.config import Axis


class PlotEfficiencies(PlotsWithData):
    """Draws efficiencies in data and simulation: of categories in a larger one, or of an axis that says what passes.

    Examples:
        law run PlotEfficiencies --version v1 --config trigger_eff --total pairs
        law run PlotEfficiencies --version v1 --config tnp --passing-axis passing
    """

    total = option("category of all entries; --categories are subsets of it", law.NO_STR, "none, with --passing-axis")
    passing_axis = option(
        "axis with two bins, failing and passing entries, of the histograms to draw", law.NO_STR, "none, with --total"
    )
    categories = option(
        "categories of passing entries, or of all entries with --passing-axis",
        (),
        "all, with --total those that have its cuts",
    )

    module = "pocket.plots.templates.efficiencies"
    function = "pocket.plots.templates.efficiencies:draw_efficiencies"

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        config, where = load(params).config(params["config"]), f"configuration {params['config']!r}"
        total, axis = ("" if params[name] == law.NO_STR else params[name] for name in ("total", "passing_axis"))
        if bool(total) == bool(axis):
            raise ConfigError(
                "PlotEfficiencies needs either --total, a category of all entries, or --passing-axis, an axis of "
                f"failing and passing entries, of {where}{_others(config)}"
            )
        if total:
            check_known("category", [total], config.categories.names, f"--total, {where}")
            _check_parts(config, params["categories"], total, where)
            if not _pairs(config, params["categories"], params["variables"], total):
                raise ConfigError(
                    f"none of the histograms of {where} is filled both in {total!r} and in a part of "
                    f"it{_others(config)}"
                )
        else:
            _check_axis(config, params["variables"], axis, where)
        return params

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Category of the passing entries, or of all if an axis separates them, and histogram of all that is drawn."""
        config = self.config_inst
        if self.total == law.NO_STR:
            return [
                (category, variable)
                for category, variable in super().shown
                if self.passing_axis in [axis.name for axis in config.variables[variable].axes]
            ]
        return _pairs(config, self.categories, self.variables, str(self.total))

    @property
    def blind(self) -> tuple[str, ...]:
        """The categories whose data are hidden, all if those of the total are."""
        hidden = super().blind
        return tuple(self.config_inst.categories.names) if self.total in hidden else hidden

    def drawing_spec(self) -> Any:
        return {"total": self.total, "passing_axis": self.passing_axis}

    def options_in(self, category: str) -> dict[str, Any]:
        given = {"total": str(self.total), "passing_axis": str(self.passing_axis)}
        return {**super().options_in(category), **{name: value for name, value in given.items() if value != law.NO_STR}}


def _parts_of(config: Configurator, total: str) -> list[str]:
    """Return the other categories whose cuts include those of a category."""
    return [name for name in config.categories.names if name != total and not _missing_cuts(config, name, total)]


def _missing_cuts(config: Configurator, category: str, total: str) -> list[str]:
    """Return the names of the cuts of a category that another one lacks, whose events may thus not be part of it."""
    from pocket.cuts.library import passthrough

    cuts = config.categories.categories
    return [cut.name for cut in cuts[total] if cut != passthrough and cut not in cuts[category]]


def _others(config: Configurator) -> str:
    """Return the categories that have efficiencies, as the end of a sentence."""
    usable = [name for name in config.categories.names if _pairs(config, (), (), name)]
    if usable:
        return f"; --total may be {some_of(usable)}"
    return "; none of its categories can be --total, use --passing-axis with an axis of failing and passing entries"


def _pairs(
    config: Configurator, categories: Sequence[str], variables: Sequence[str], total: str
) -> list[tuple[str, str]]:
    """Return the categories that are part of the total, and the histograms that are filled in both."""
    return [
        (category, variable)
        for category in categories or _parts_of(config, total)
        for variable in variables or config.variables
        if all(config.variables[variable].fills_category(name) for name in (category, total))
    ]


def _check_parts(config: Configurator, categories: Sequence[str], total: str, where: str) -> None:
    """Refuse categories that may have other events than the total."""
    for category in categories:
        if category == total:
            raise ConfigError(f"--categories of PlotEfficiencies: {category!r} is the total itself")
        if missing := _missing_cuts(config, category, total):
            raise ConfigError(
                f"category {category!r} of {where} lacks the cut {missing[0]!r} of {total!r}, so its events may not be "
                f"part of it: there is no efficiency; parts of {total!r}: {some_of(_parts_of(config, total)) or 'none'}"
            )
    if not (categories or _parts_of(config, total)):
        raise ConfigError(
            f"no other category of {where} has all cuts of {total!r}: there is no efficiency{_others(config)}"
        )


def _check_axis(config: Configurator, variables: Sequence[str], axis: str, where: str) -> None:
    """Refuse an axis that the histograms don't have, or that doesn't have two bins."""
    axes = {name: {each.name: each for each in conf.axes} for name, conf in config.variables.items()}
    check_known("axis", [axis], sorted({name for named in axes.values() for name in named}), f"--passing-axis, {where}")
    having = [name for name, named in axes.items() if axis in named and len(named) > 1]
    for name in variables or having or list(config.variables):
        if name not in having:
            others = some_of(having) or "none"
            raise ConfigError(f"histogram {name!r} of {where} has no axis {axis!r} beside others; these have: {others}")
        if (bins := _bins_of(axes[name][axis])) != 2:
            several = [named for named in axes.values() if len(named) > 1]
            with_two = {name for named in several for name, axis in named.items() if _bins_of(axis) == 2}
            raise ConfigError(
                f"axis {axis!r} of histogram {name!r} in {where} has {bins} bins, expected two: of failing and of "
                f"passing entries; axes with two bins: {some_of(sorted(with_two)) or 'none'}"
            )


def _bins_of(axis: Axis) -> int:
    if axis.type == "integer":
        assert axis.start is not None
        assert axis.stop is not None
        return int(axis.stop - axis.start)
    return axis.bins if isinstance(axis.bins, int) else len(axis.bins) - (axis.type == "variable")
