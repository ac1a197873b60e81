"""Checks that the nuisances and groups of a declared model fit the variations of its templates."""

from __future__ import annotations

from collections.abc import Iterable

from pocket.errors import ConfigError, UnknownNameError
from pocket.statistics.declarations import Drop, StatisticalModel, Stored
from pocket.statistics.declared_places import declared_at
from pocket.statistics.names import check_parameter_name, fits


def check_groups(model: StatisticalModel, known: Iterable[str], where: str = "") -> None:
    """Check that each pattern of a group fits a parameter."""
    names = tuple(known)
    for group, patterns in model.groups.items():
        for pattern in patterns:
            if not any(fits(pattern, name) for name in names):
                raise UnknownNameError("parameter", pattern, names, f"group {group!r}{where}")


def require_declared(
    model: StatisticalModel, found: Iterable[tuple[str, str, str]], where: str, *, is_complete: bool = True
) -> None:
    """Check that each stored variation is taken or dropped, and each that is named is stored."""
    places = sorted(set(found))
    named: set[tuple[int, str]] = set()
    for variation, process, region in places:
        declared = model.declared_for(variation, process, region)
        if declared is None:
            raise ConfigError(
                f"variation {variation!r} of process {process!r} in region {region!r} is neither taken nor dropped: "
                f"add Stored({variation!r}) or Drop({variation!r}) to the nuisances of {where}"
            )
        if isinstance(declared, Stored) and (id(declared), variation) not in named:
            named.add((id(declared), variation))
            name = declared.parameter(variation, "year" if declared.years == "apart" else "")
            check_parameter_name(name, f"variation {variation!r}, for which rename= gives another name")
    for one in model.nuisances:
        if not isinstance(one, Stored | Drop) or not is_complete:
            continue
        if one.pattern != "*" and not any(one.takes(*place) for place in places):
            known = {variation for variation, _, _ in places}
            kind = f"{type(one).__name__}({one.pattern!r})"
            with declared_at(one):
                if any(fits(one.pattern, variation) for variation in known):
                    raise ConfigError(f"{kind} of {where} fits no variation of its processes in its regions")
                raise UnknownNameError("stored variation", one.pattern, known, f"the nuisances of {where}")
