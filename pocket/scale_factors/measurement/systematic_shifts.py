"""Shifts of a scale factor by a systematic source, for which it is measured again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pocket.base.typing import Floats
from pocket.errors import ConfigError, PocketError, check_known
from pocket.scale_factors.declarations.measured import ScaleFactor
from pocket.scale_factors.declarations.systematics import Alternative, Flat, LogNormal, Shape, Spread, Systematic
from pocket.scale_factors.measurement.rebinning import Histogram
from pocket.scale_factors.measurement.result import Measured, Shifts
from pocket.scale_factors.measurement.templates import Templates

Histograms = Mapping[str, Histogram]
#: (configuration, histogram) → the histogram per sample
Sources = Mapping[tuple[str, str], Histograms]
Method = Callable[[Any, Templates], Measured]


@contextmanager
def named(place: str) -> Iterator[None]:
    """Put the name of a place in front of the message of an error."""
    try:
        yield
    except PocketError as error:
        error.args = (f"{place}: {error}",)
        raise


def require_variations(declaration: ScaleFactor, several: Iterable[Histograms]) -> None:
    """Check that the templates of at least one sample have the variations of the declaration."""
    axes = [histograms[sample].axes for histograms in several for sample in declaration.simulated()]
    known = {name for each in axes if "variation" in each.name for name in each["variation"]}
    for systematic in declaration.systematics:
        if isinstance(systematic, Shape):
            where = f"systematic {systematic.name!r} of {declaration.where}"
            check_known("variation", (f"{systematic.stem}{side}" for side in ("Up", "Down")), known, where)


def shifts(method: Method, templates: Templates, nominal: Floats, systematic: Systematic, sources: Sources) -> Shifts:
    """Return the shifts up and down that a source causes."""

    def shift(changed: Templates) -> Floats:
        return method(changed.declaration, changed).values.value - nominal

    again = dataclasses.replace(templates, declaration=templates.declaration.bare())
    with named(f"systematic {systematic.name!r}"):
        match systematic:
            case Shape() | LogNormal():
                up, down = (shift(side) for side in varied(again, systematic))
                return up, down
            case Alternative():
                (up,) = (shift(changed) for changed in _changed(templates, systematic, sources))
                return up, -up
            case Spread():
                one, other = (shift(changed) for changed in _changed(templates, systematic, sources))
                return (one - other) / 2, (other - one) / 2
            case Flat():
                return systematic.size * nominal, -systematic.size * nominal
        raise ConfigError(f"{systematic!r} is no systematic uncertainty")


def varied(templates: Templates, systematic: Shape | LogNormal) -> tuple[Templates, Templates]:
    """Return the templates with a source of uncertainty up, and down."""
    if isinstance(systematic, Shape):
        up, down = (dataclasses.replace(templates, variation=f"{systematic.stem}{side}") for side in ("Up", "Down"))
    else:
        up, down = (
            dataclasses.replace(templates, factors=dict.fromkeys(systematic.samples, factor))
            for factor in (systematic.kappa, 1 / systematic.kappa)
        )
    return up, down


def _changed(templates: Templates, systematic: Systematic, sources: Sources) -> Iterator[Templates]:
    """Yield the templates of the measurements that a source needs."""
    for owner, declaration in templates.declaration.changed():
        if owner is systematic:
            source = declaration.input, declaration.variable
            if source not in sources:
                raise ConfigError(f"the histograms {source[1]!r} of configuration {source[0]!r} are not given")
            yield dataclasses.replace(templates, declaration=declaration, histograms=sources[source])
