"""Workspaces of pyhf, in HistFactory's JSON, version 1.0.0, of the same model.

Templates at fixed yield are ``histosys`` and factors ``normsys`` of one name, so that both packages expect the same:

- templates are interpolated alike (``code4p``);
- factors are alike from one standard deviation on, and with ``code1``, which a workspace can't ask for, from one half
  on, where combine's smooth step ends; symmetric ones are alike everywhere with ``code1``;
- statistical errors of simulation as ``histosys`` of each bin and process are those of combine: they follow the factors
  of their processes, and profile to the same likelihood. ``staterror`` is another model, one factor for all processes
  of a bin: with errors of 6 to 13 % it moved the result of a fit by 0.1 to 0.5 standard deviations;
- limits differ, since Asimov data measure one parameter of a bin here, which moves the sum of its
  processes, and one for each process there: median limits by up to 3 % with errors of 10 %, by up to 20 % with 30 %.

:func:`pyhf_differences` has the numbers of a model. Sources: K. Cranmer et al., CERN-OPEN-2012-016; L. Heinrich et al.,
JOSS 6 (2021) 2823.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from pocket.base.typing import Floats, Mask
from pocket.errors import StatisticsError, check_known
from pocket.statistics.interpolation import norm_weights
from pocket.statistics.model import FreeParameter, Model, RegionModel
from pocket.statistics.tensors import decompose, poisson_processes, tensors

#: how statistical errors of simulation are described
McStatKind = Literal["histosys", "staterror"]
#: ranges that stand for none, of nuisances as in combine
_NUISANCE_RANGE = 7.0
_FREE_RANGE = 1e4


def pyhf_workspace(model: Model, mc_stat: McStatKind = "histosys") -> dict[str, Any]:
    """Return the workspace of a model, to be written as JSON.

    Args:
        model: the model. Its first parameter of interest is that of the measurement; others are ``normfactor``.
        mc_stat: ``"histosys"`` for statistical errors of simulation as in combine, a parameter for each bin and
            process, or ``"staterror"`` for those of HistFactory, a parameter for each bin.

    Returns:
        The workspace. Observations of blind regions are the expectation before the fit.

    Raises:
        StatisticsError: if the model has formulas, which HistFactory doesn't know.
        UnknownNameError: if ``mc_stat`` is neither.

    >>> region = RegionModel("sr", ("signal", "other"), np.array([[5.0], [3.0]]), np.array([[0.1], [0.5]]),
    ...     data=np.array([7.0]), log_normals={"lumi": {"signal": (0.98, 1.02)}}, factors={"signal": ("r",)})
    >>> model = Model((region,), pois={"r": FreeParameter(0, 20)}, nuisances=("lumi",))
    >>> workspace = pyhf_workspace(model)
    >>> workspace["channels"][0]["samples"][0]["modifiers"][1]
    {'name': 'lumi', 'type': 'normsys', 'data': {'hi': 1.02, 'lo': 0.98}}
    """
    check_known("description of statistical errors", [mc_stat], ("histosys", "staterror"), "the workspace of pyhf")
    _check(model)
    arrays = tensors(model)
    gaussian, poisson, events = poisson_processes(model, arrays)
    rows = {process: row for row, process in enumerate(model.processes)}
    channels = []
    for region, bins in zip(model.regions, arrays.slices(), strict=True):
        samples = []
        for row, process in enumerate(region.processes):
            at = rows[process]
            if mc_stat == "staterror":
                errors = _staterror(region, row)
            else:
                errors = _errors(region, row, gaussian[at, bins], poisson[at, bins], events[at, bins])
            samples.append(
                {
                    "name": process,
                    "data": region.nominal[row].tolist(),
                    "modifiers": [*_modifiers(model, region, process), *errors],
                }
            )
        channels.append({"name": region.name, "samples": samples})
    free = {**model.pois, **model.free}
    parameters = [
        *({"name": name, "inits": [entry.initial], "bounds": [_bounds(entry)]} for name, entry in free.items()),
        *(
            {"name": name, "inits": [0.0], "bounds": [[-_NUISANCE_RANGE, _NUISANCE_RANGE]]}
            for name in model.nuisances
        ),
    ]  # fmt: skip
    return {
        "version": "1.0.0",
        "channels": channels,
        "observations": [{"name": r.name, "data": model.shown_data(r).tolist()} for r in model.regions],
        "measurements": [{"name": "pocketlaw", "config": {"poi": next(iter(model.pois)), "parameters": parameters}}],
    }


def pyhf_differences(model: Model, mc_stat: McStatKind = "histosys") -> tuple[str, ...]:
    """Return what a workspace of pyhf means otherwise than the model, a sentence each.

    Args:
        model: the model.
        mc_stat: as for :func:`pyhf_workspace`.

    >>> region = RegionModel("sr", ("signal",), np.array([[5.0]]), np.array([[0.0]]), data=np.array([7.0]),
    ...     log_normals={"scale": {"signal": (0.8, 1.1)}}, factors={"signal": ("r",)})
    >>> for sentence in pyhf_differences(Model((region,), pois={"r": FreeParameter(0, 20)}, nuisances=("scale",))):
    ...     print(sentence)
    factors of 'scale' of process 'signal' in region 'sr' differ by up to 0.91 %, within one standard deviation
    """
    return tuple(_differences(model, mc_stat))


def _differences(model: Model, mc_stat: McStatKind) -> Iterator[str]:
    worst, place = 0.0, ""
    for region, process, name, (low, high) in _all_factors(model):
        theta = np.linspace(-1, 1, 201)
        odd, even = (math.log(high) - math.log(low)) / 2, (math.log(high) + math.log(low)) / 2
        ours = np.exp(theta * odd + norm_weights(theta)[0] * even)
        difference = float(np.abs(_code4(low, high, theta) / ours - 1).max())
        if difference > worst:
            worst, place = difference, f"{name!r} of process {process!r} in region {region.name!r}"
    if worst > 0:
        yield f"factors of {place} differ by up to {100 * worst:.2g} %, within one standard deviation"
    cut = [
        f"{name!r} of process {process!r} in region {region.name!r}"
        for region in model.regions
        for name, effects in region.shapes.items()
        for process, pair in effects.items()
        if _falls_below_zero(model, region, process, pair)
    ]
    if cut:
        more = f", and {len(cut) - 1} more" if len(cut) > 1 else ""
        yield f"bins that fall below 0 within three standard deviations, of {cut[0]}{more}, aren't cut at 0"
    unlimited = [name for name, p in {**model.pois, **model.free}.items() if math.isinf(p.low) or math.isinf(p.high)]
    if unlimited:
        yield f"the parameter {unlimited[0]!r} without limits ends at {_FREE_RANGE:g}"
    if model.blind:
        yield f"the data of the blind region {model.blind[0]!r} are the expectation"
    shared = int((poisson_processes(model, tensors(model))[0].sum(axis=0) > 1).sum())
    if mc_stat == "histosys" and shared:
        yield (
            f"Asimov data, of limits and what is expected, measure a parameter for each process in {shared} bins, in "
            "which it is one for their sum here: with statistical errors of 10 % limits differ by some percent"
        )
    with_errors = [region for region in model.regions if region.mc_stat is not None and region.sumw2.any()]
    if mc_stat == "staterror" and with_errors:
        count = sum(int((region.sumw2.sum(axis=0) > 0).sum()) for region in with_errors)
        yield (
            f"statistical errors of simulation are factors of all processes of a bin, in {count} bins; here, they "
            "follow the factors of their processes"
        )


def _all_factors(model: Model) -> Iterator[tuple[RegionModel, str, str, tuple[float, float]]]:
    """Yield all factors (at −1, at +1) of yields."""
    for region in model.regions:
        for process in region.processes:
            for name in model.nuisances:
                kappas, _ = _effect(model, region, process, name)
                if kappas != (1.0, 1.0):
                    yield region, process, name, kappas


def _code4(low: float, high: float, theta: Floats) -> Floats:
    """Return pyhf's factor within one standard deviation, a polynomial that goes smoothly into powers beyond it."""
    powers = np.arange(1, 7)
    signs = (-1.0) ** powers
    first, second = powers, powers * (powers - 1)
    # Value, first and second derivative at 1 and at −1.
    matrix = np.array([powers**0, signs, first, -first * signs, second, second * signs], dtype=float)
    up, down = math.log(high), math.log(low)
    ends = [high - 1, low - 1, high * up, -low * down, high * up**2, low * down**2]
    return np.asarray(1 + theta[:, None] ** powers @ np.linalg.solve(matrix, ends))


def _falls_below_zero(model: Model, region: RegionModel, process: str, pair: tuple[Floats, Floats]) -> bool:
    _, odd, even = decompose(region, process, pair, model.smallest_norm)
    nominal = region.nominal[region.row(process)]
    return any(bool((nominal + sign * 3 * odd + 3 * even < 0).any()) for sign in (-1, 1))


def _check(model: Model) -> None:
    for region in model.regions:
        if region.logarithmic:
            raise StatisticsError(
                f"logarithms of the templates of process {region.logarithmic[0]!r} in region {region.name!r} are "
                "interpolated, which pyhf can't do"
            )
        for name in (*region.shapes, *region.log_normals):
            if name in model.free:
                raise StatisticsError(
                    f"the free parameter {name!r} varies templates in region {region.name!r}, which only constrained "
                    "ones do in a workspace of pyhf"
                )
        for process, names in region.factors.items():
            for name in names:
                if name in model.formulas:
                    raise StatisticsError(
                        f"the formula {name!r} of process {process!r} in region {region.name!r} can't be in a "
                        "workspace of pyhf, which has no formulas"
                    )
            if len(set(names)) < len(names):
                raise StatisticsError(
                    f"a parameter multiplies process {process!r} in region {region.name!r} twice, which pyhf can't do"
                )


def _effect(
    model: Model, region: RegionModel, process: str, name: str
) -> tuple[tuple[float, float], tuple[Floats, Floats] | None]:
    """Return the factors (at −1, at +1) of a nuisance, and the templates at fixed yield up and down, or None."""
    low, high = region.log_normals.get(name, {}).get(process, (1.0, 1.0))
    pair = region.shapes.get(name, {}).get(process)
    if pair is None:
        return (low, high), None
    (down, up), odd, even = decompose(region, process, pair, model.smallest_norm)
    nominal = region.nominal[region.row(process)]
    return (low * math.exp(down), high * math.exp(up)), (nominal + odd + even, nominal - odd + even)


def _modifiers(model: Model, region: RegionModel, process: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "type": "normfactor", "data": None} for name in region.factors.get(process, ())
    ]
    for name in model.nuisances:
        (low, high), templates = _effect(model, region, process, name)
        if templates is not None:
            up, down = (values.tolist() for values in templates)
            found.append({"name": name, "type": "histosys", "data": {"hi_data": up, "lo_data": down}})
        if (low, high) != (1.0, 1.0):
            found.append({"name": name, "type": "normsys", "data": {"hi": float(high), "lo": float(low)}})
    return found


def _errors(region: RegionModel, row: int, gaussian: Mask, poisson: Mask, events: Floats) -> list[dict[str, Any]]:
    """Return the statistical errors of a process as combine means them."""
    process, nominal = region.processes[row], region.nominal[row]
    found: list[dict[str, Any]] = []
    for number in np.flatnonzero(gaussian):
        shift = np.where(np.arange(region.bins) == number, np.sqrt(region.sumw2[row]), 0)
        data = {"hi_data": (nominal + shift).tolist(), "lo_data": (nominal - shift).tolist()}
        found.append({"name": f"mc_{region.name}_{process}_{number}", "type": "histosys", "data": data})
    if poisson.any():
        # The error of the number of events that combine rounds to; 0 stands for no parameter.
        errors = np.divide(nominal, np.sqrt(events), out=np.zeros(region.bins), where=poisson)
        found.append({"name": f"gamma_{region.name}_{process}", "type": "shapesys", "data": errors.tolist()})
    return found


def _staterror(region: RegionModel, row: int) -> list[dict[str, Any]]:
    if region.mc_stat is None:
        return []
    return [{"name": f"staterror_{region.name}", "type": "staterror", "data": np.sqrt(region.sumw2[row]).tolist()}]


def _bounds(parameter: FreeParameter) -> list[float]:
    return [max(float(parameter.low), -_FREE_RANGE), min(float(parameter.high), _FREE_RANGE)]
