"""Parameters of interest of datacards: combine's default, or maps of its ``multiSignalModel``.

By default ``r`` multiplies all signals. Others are arguments of ``text2workspace.py``, ``--PO
map=region/process:poi[initial,low,high]``, of which the last one counts that fits; a product of parameters is
``map=region/process:a_b=expr;;a_b("@0*@1",a,b)``. A card that is written here has that call as a comment, which is read
back. Source: combine's documentation, "Physics models".
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pocket.base.runtime.remarks import some_of
from pocket.errors import StatisticsError, UnknownNameError
from pocket.statistics.formulas import Formula
from pocket.statistics.model import FreeParameter, Model, RegionModel

#: combine's parameter of interest, if nothing else is said
DEFAULT = {"r": FreeParameter(0.0, 20.0)}
#: pattern that fits no process
_NOTHING = "^$"
_PHYSICS = "-P HiggsAnalysis.CombinedLimit.PhysicsModel:multiSignalModel"


@dataclass(frozen=True)
class Interest:
    """Parameters of interest, and what they multiply.

    Args:
        maps: regular expression of ``region/process`` → names of parameters or formulas; None stands for ``r`` on all
            signals. A process whose factors are None is left out.
        formulas: name → function of the parameters.
    """

    pois: Mapping[str, FreeParameter]
    maps: tuple[tuple[str, tuple[str, ...] | None], ...] | None
    formulas: Mapping[str, Formula]

    def factors(self, region: str, process: str, signal: bool) -> tuple[str, ...] | None:
        """Return what multiplies a process in a region, or None if it is switched off."""
        if self.maps is None:
            return tuple(self.pois) if signal else ()
        found: tuple[str, ...] | None = ()
        for pattern, names in self.maps:
            if re.match(pattern, f"{region}/{process}"):
                found = names
        return found


def parse_maps(options: Iterable[str]) -> Interest:
    """Return the parameters of interest that options of ``multiSignalModel`` define.

    Args:
        options: ``region/process:poi[initial,low,high]``, with ``map=`` before or not; regular expressions, maybe
            several with commas between.

    >>> interest = parse_maps([".*/ggH:r_ggH[1,0,5]", ".*/qqH:r_qqH[1,-1,9]", "sr2/.*:r_ggH"])
    >>> interest.factors("sr1", "qqH", True), interest.factors("sr2", "qqH", True), interest.pois["r_qqH"].low
    (('r_qqH',), ('r_ggH',), -1.0)
    """
    pois: dict[str, FreeParameter] = {}
    formulas: dict[str, Formula] = {}
    maps: list[tuple[str, tuple[str, ...] | None]] = []
    for option in options:
        patterns, colon, target = option.removeprefix("map=").partition(":")
        names: tuple[str, ...] | None
        if not colon:
            raise StatisticsError(f"the map {option!r} must be region/process:poi[initial,low,high]")
        if target in ("0", "1"):
            names = None if target == "0" else ()
        elif "=" in target:
            names = _parse_expression(option, target, formulas)
        else:
            names = (_parse_poi(option, target, pois),)
        for pattern in patterns.split(","):
            try:
                re.compile(pattern)
            except re.error as error:
                raise StatisticsError(f"{pattern!r} in the map {option!r} is no regular expression: {error}") from None
            maps.append((pattern, names))
    known = [*pois, *formulas]
    for name in (argument for _, names in maps for argument in names or ()):
        if name not in known:
            raise UnknownNameError("parameter", name, known, "the maps of parameters of interest")
    return Interest(pois, tuple(maps), formulas)


def check_maps(options: Iterable[str], places: Sequence[str]) -> None:
    """Check that each map fits a ``region/process``; combine does nothing with one that doesn't.

    >>> check_maps([".*/ggH:r_ggH[1,0,5]", "^$:r_all[1,0,5]"], ["sr/ggH", "sr/other"])
    """
    for option in options:
        patterns = option.removeprefix("map=").partition(":")[0].split(",")
        if patterns != [_NOTHING] and not any(re.match(pattern, place) for pattern in patterns for place in places):
            raise StatisticsError(f"the map {option!r} fits no process of the card: {some_of(places)}")


def split_maps(text: str) -> tuple[str, ...]:
    """Return the maps in a text that has commas between them, as within their brackets and between their patterns.

    >>> split_maps(".*/ggH,.*/ttH:r_ggH[1,0,5],map=.*/qqH:r_qqH[1,0,5]")
    ('.*/ggH,.*/ttH:r_ggH[1,0,5]', 'map=.*/qqH:r_qqH[1,0,5]')
    """
    maps: list[str] = []
    patterns: list[str] = []
    # Brackets hold numbers, arguments of formulas, or parts of regular expressions.
    for part in re.findall(r"(?:\[[^\]]*\]|\([^)]*\)|\{[^}]*\}|[^,])+", text):
        patterns.append(part.strip())
        if ":" in part:
            maps.append(",".join(patterns))
            patterns = []
    return (*maps, *([",".join(patterns)] if patterns else []))


def _parse_poi(option: str, target: str, pois: dict[str, FreeParameter]) -> str:
    found = re.fullmatch(r"(\w+)(?:\[([^\]]*)\])?", target)
    if not found:
        raise StatisticsError(f"{target!r} in the map {option!r} must be poi[initial,low,high]")
    name, numbers = found.groups()
    if numbers is None or name in pois:
        return name
    try:
        values = [float(number) for number in numbers.split(",")]
    except ValueError:
        values = []
    if len(values) == 2:
        values = [(values[0] + values[1]) / 2, *values]
    if len(values) != 3:
        raise StatisticsError(f"{target!r} in the map {option!r} must be poi[initial,low,high]")
    pois[name] = FreeParameter(values[1], values[2], values[0])
    return name


def _parse_expression(option: str, target: str, formulas: dict[str, Formula]) -> tuple[str, ...]:
    found = re.fullmatch(r"""(\w+)=expr;;(\w+)\(\s*["'](.*)["']\s*,\s*(.*)\)""", target)
    if not found or found[1] != found[2]:
        raise StatisticsError(f'{target!r} in the map {option!r} must be name=expr;;name("formula",poi,…)')
    name, expression, arguments = found[1], found[3], tuple(word.strip() for word in found[4].split(","))
    if expression == _product(len(arguments)):
        return arguments
    formulas[name] = Formula(expression, arguments)
    return (name,)


def _product(count: int) -> str:
    return "*".join(f"@{number}" for number in range(count))


def parse_call(text: str) -> Interest:
    """Return the parameters of interest that a call of ``text2workspace.py`` defines."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise StatisticsError(f"the call {text!r} can't be read: {error}") from None
    options = [after for word, after in itertools.pairwise(words) if word == "--PO"]
    return parse_maps(option for option in options if option.startswith("map="))


def write_call(model: Model, regions: Sequence[RegionModel], card: str) -> str | None:
    """Return the call of ``text2workspace.py`` that defines the parameters of interest; None for combine's default."""
    places: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for region in regions:
        for process in region.processes:
            names = tuple(name for name in region.factors.get(process, ()) if name in model.pois)
            places.setdefault(names, []).append((region.name, process))
    plain, used = {process for _, process in places.pop((), [])}, model.used_in(regions)
    by_default = not plain & {*model.all_signals} and all(names == tuple(DEFAULT) for names in places)
    pois = {name: poi for name, poi in model.pois.items() if name in used}
    if not pois or (dict(model.pois) == DEFAULT and by_default):
        return None
    options = []
    defined = set()
    for name, poi in pois.items():
        values = f"{name}[{float(poi.initial)!r},{float(poi.low)!r},{float(poi.high)!r}]"
        # A parameter that only formulas and products use is defined by a map that fits nothing.
        patterns = _patterns(regions, places.get((name,), [])) or [_NOTHING]
        defined.add((name,))
        options += [f"map={','.join(patterns)}:{values}"]
    for names in places:
        if names not in defined:
            product = "_".join(names)
            formula = f'{product}=expr;;{product}("{_product(len(names))}",{",".join(names)})'
            options.append(f"map={','.join(_patterns(regions, places[names]))}:{formula}")
    listed = " ".join(f"--PO '{option}'" for option in options)
    return f"text2workspace.py {card} {_PHYSICS} {listed}"


def _patterns(regions: Sequence[RegionModel], places: Sequence[tuple[str, str]]) -> list[str]:
    """Return regular expressions that fit these regions and processes, and no others."""
    patterns = []
    for process in dict.fromkeys(process for _, process in places):
        having = [region.name for region in regions if process in region.processes]
        at = [region for region, name in places if name == process]
        patterns += [f".*/{process}$"] if at == having else [f"{region}/{process}$" for region in at]
    return patterns
