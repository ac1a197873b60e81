"""Random models that cards keep to the bit, and what tells whether two models are the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from hypothesis import strategies as st

from pocket.statistics.formulas import Formula
from pocket.statistics.model import FreeParameter, McStat, Model, RegionModel

_CONTENTS = st.floats(0, 1e12)
_FACTORS = st.floats(1e-3, 1e3)


@st.composite
def _kappas(draw: Any) -> tuple[float, float]:
    high = draw(_FACTORS)
    return (1 / high, high) if draw(st.booleans()) else (draw(_FACTORS), high)


@st.composite
def _template(draw: Any, bins: int) -> list[float]:
    values = draw(st.lists(_CONTENTS, min_size=bins, max_size=bins))
    values[draw(st.integers(0, bins - 1))] = draw(st.floats(1e-6, 1e9))
    return list(values)


@st.composite
def _edges(draw: Any, bins: int) -> np.ndarray:
    widths = draw(st.lists(st.floats(0.01, 1e3), min_size=bins, max_size=bins))
    return draw(st.floats(-1e3, -1)) + np.concatenate([[0.0], np.cumsum(widths)])


@st.composite
def _region(draw: Any, name: str, shapes: bool) -> RegionModel:
    counting = not shapes or draw(st.booleans())
    bins = 1 if counting else draw(st.integers(1, 4))
    processes = ("signal", *draw(st.permutations(["other", "wjets", "qcd"]))[: draw(st.integers(0, 3))])
    variations: dict[str, dict[str, Any]] = {}
    log_normals: dict[str, dict[str, tuple[float, float]]] = {}
    for process in processes:
        for nuisance in ("jes", "pileup") if shapes else ():
            if draw(st.booleans()):
                variations.setdefault(nuisance, {})[process] = draw(_template(bins)), draw(_template(bins))
        for nuisance in ("lumi", "xsec"):
            if draw(st.booleans()):
                log_normals.setdefault(nuisance, {})[process] = draw(_kappas())
    factors = {"signal": draw(st.sampled_from([("r",), ("s",), ("r", "s"), ("r", "norm")]))}
    for process in processes[1:]:
        factors[process] = draw(st.sampled_from([(), ("norm",), ("transfer",), ("norm", "transfer")]))
    sumw2 = draw(st.lists(st.lists(_CONTENTS, min_size=bins, max_size=bins), min_size=4, max_size=4))
    return RegionModel(
        name=name,
        processes=processes,
        nominal=np.array([draw(_template(bins)) for _ in processes]),
        sumw2=np.array(sumw2[: len(processes)]) if shapes else np.zeros((len(processes), 1)),
        data=draw(st.none() | st.lists(st.integers(0, 10**12), min_size=bins, max_size=bins)),
        edges=None if counting else draw(_edges(bins)),
        shapes=variations,
        log_normals=log_normals,
        factors={process: names for process, names in factors.items() if names},
        mc_stat=draw(st.none() | st.builds(McStat, st.floats(0, 100), st.booleans())) if shapes else None,
    )


@st.composite
def models(draw: Any) -> Model:
    """Draw a model with all that a card can hold."""
    # Without anything that needs histograms, it is written without.
    shapes = draw(st.booleans())
    regions = [draw(_region(f"region{number}", shapes)) for number in range(draw(st.integers(1, 3)))]
    if all(region.edges is None and not region.shapes and region.mc_stat is None for region in regions):
        regions = [dataclasses.replace(region, sumw2=np.zeros_like(region.sumw2)) for region in regions]
    used = {name for region in regions for names in region.factors.values() for name in names}
    formulas = {"transfer": Formula("@0*exp(@1)/(1+@2^2)", ("scale", "theta", "jes"))} if "transfer" in used else {}
    used |= {name for formula in formulas.values() for name in formula.arguments}
    used |= {name for region in regions for name in (*region.shapes, *region.log_normals)}
    poi = st.builds(FreeParameter, st.floats(-100, 0), st.floats(1, 100), st.floats(0, 1))
    range_of = st.sampled_from([FreeParameter(), FreeParameter(0, 5), FreeParameter(low=0.0, initial=0.3)])
    default = {"r": FreeParameter(0, 20)} if draw(st.booleans()) else {"r": draw(poi)}
    pois = {name: poi for name, poi in {"s": draw(poi), **default}.items() if name in used}
    pois = {name: pois[name] for name in draw(st.permutations(list(pois)))}
    nuisances = tuple(n for n in draw(st.permutations(["jes", "pileup", "lumi", "xsec", "theta"])) if n in used)
    free = {name: draw(range_of) for name in draw(st.permutations(["scale", "norm"])) if name in used}
    # Cards have them in this order.
    order = [*pois, *free, *formulas]
    regions = [
        dataclasses.replace(r, factors={p: tuple(sorted(names, key=order.index)) for p, names in r.factors.items()})
        for r in regions
    ]
    grouped = draw(st.permutations([*nuisances, *free]))
    return Model(
        regions=tuple(regions),
        pois=pois,
        nuisances=nuisances,
        free=free,
        formulas=formulas,
        groups={"first": tuple(grouped[:2]), "second": tuple(grouped[1:])} if len(grouped) > 1 else {},
        smallest_norm=draw(st.sampled_from([0.0, 1e-3])),
    )


def differences(first: Model, second: Model) -> list[str]:
    """Return where two models differ, in any bit or in the order of what has one."""
    found = [
        f"{name}: {getattr(first, name)} and {getattr(second, name)}"
        for name in ("nuisances", "free", "pois", "formulas", "groups", "smallest_norm", "parameters")
        if getattr(first, name) != getattr(second, name)
    ]
    if [region.name for region in first.regions] != [region.name for region in second.regions]:
        return [*found, "regions"]
    for one, other in zip(first.regions, second.regions, strict=True):
        for name in ("processes", "factors", "log_normals", "mc_stat"):
            if getattr(one, name) != getattr(other, name):
                found.append(f"{name} of {one.name}: {getattr(one, name)} and {getattr(other, name)}")
        for name in ("nominal", "sumw2", "data", "edges"):
            if _bits(getattr(one, name)) != _bits(getattr(other, name)):
                found.append(f"{name} of {one.name}: {getattr(one, name)} and {getattr(other, name)}")
        if _templates(one) != _templates(other):
            found.append(f"shapes of {one.name}: {one.shapes} and {other.shapes}")
    return found


def _bits(values: np.ndarray | None) -> bytes:
    return b"" if values is None else values.tobytes()


def _templates(region: RegionModel) -> dict[str, dict[str, tuple[bytes, ...]]]:
    return {
        nuisance: {process: tuple(map(_bits, pair)) for process, pair in effects.items()}
        for nuisance, effects in region.shapes.items()
    }
