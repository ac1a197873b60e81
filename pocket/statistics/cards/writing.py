"""The writer of datacards for combine.

Source: combine's documentation, "Preparing the datacard",
https://cms-analysis.github.io/HiggsAnalysis-CombinedLimit/part2/settinguptheanalysis/
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pocket.base.runtime.remarks import remark, some_of
from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.statistics.cards.histograms import COUNTING_EDGES, write_histograms
from pocket.statistics.cards.interest import write_call
from pocket.statistics.cards.names import check_names
from pocket.statistics.cards.syntax import NOTE
from pocket.statistics.model import SMALLEST_NORM, FreeParameter, Model, RegionModel


def write_datacards(model: Model, folder: Path | str) -> Path:
    """Write the datacards of a model.

    There is a card of each region, ``datacard_<region>.txt``, with its histograms in ``shapes_<region>.root``, and one
    of all, ``datacard.txt``. Read back, the model is the same to the bit, except for this:

    - if no region has edges, templates or statistical errors of simulation, there are no histograms, and no ``sumw2``;
    - one bin from 0 to 1 is a counting region, and a group without members isn't there;
    - factors of a process are in the order of the model: parameters of interest, free ones, formulas;
    - log-normals of a nuisance that also has templates are templates.

    What combine needs on the command line, and what is blind, is in comments that are read back.

    Args:
        model: the model.
        folder: where the files go; made if it isn't there.

    Returns:
        The path of ``datacard.txt``.

    Raises:
        StatisticsError: if combine can't take a name, or something of the model, with the reason.

    >>> region = RegionModel("sr", ("signal",), [[5.0, 2.0]], [[0.1, 0.2]], edges=[0.0, 50.0, 100.0],
    ...     factors={"signal": ("r",)})
    >>> path = write_datacards(Model((region,), pois={"r": FreeParameter(0, 20)}), "my_cards")
    >>> sorted(file.name for file in path.parent.iterdir())
    ['datacard.txt', 'datacard_sr.txt', 'shapes_sr.root']
    """
    check_names(model)
    model = _in_order(_without_mixtures(model))
    _check_histogram_names(model)
    texts = {}
    with_shapes = any(r.edges is not None or r.shapes or r.mc_stat is not None for r in model.regions)
    for region in model.regions:
        texts[f"datacard_{region.name}.txt"] = _card(model, [region], f"datacard_{region.name}.txt", with_shapes)
    # The last one, so that a folder with it is complete.
    texts["datacard.txt"] = _card(model, model.regions, "datacard.txt", with_shapes)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if with_shapes:
        for region in model.regions:
            edges = COUNTING_EDGES if region.edges is None else region.edges
            write_histograms(folder / f"shapes_{region.name}.root", edges, _histograms(model, region))
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder / "datacard.txt"


def _without_mixtures(model: Model) -> Model:
    """Return the model with templates instead of log-normals, for nuisances that have both."""
    shaped = {name for region in model.regions for name in region.shapes}
    names = (*model.free, *model.nuisances)
    mixed = [name for name in names if name in shaped and any(name in r.log_normals for r in model.regions)]
    if not mixed:
        return model
    small = []
    regions = []
    for region in model.regions:
        shapes = {name: dict(effects) for name, effects in region.shapes.items()}
        for name in mixed:
            for process, (low, high) in region.log_normals.get(name, {}).items():
                nominal = region.nominal[region.row(process)]
                up, down = shapes.get(name, {}).get(process, (nominal, nominal))
                shapes.setdefault(name, {})[process] = up * high, down * low
                if max(abs((up * high).sum() / nominal.sum() - 1), abs((down * low).sum() / nominal.sum() - 1)) < 1e-3:
                    small.append(f"{name} of {process} in {region.name}")
        log_normals = {name: effects for name, effects in region.log_normals.items() if name not in mixed}
        regions.append(dataclasses.replace(region, shapes=shapes, log_normals=log_normals))
    if small:
        remark(f"combine drops changes of yields by templates below 0.001, also those of: {some_of(small)}")
    return dataclasses.replace(model, regions=tuple(regions))


def _in_order(model: Model) -> Model:
    """Return the model with the factors of each process in the order in which cards define them."""
    order = {name: number for number, name in enumerate((*model.pois, *model.free, *model.formulas))}

    def ordered(region: RegionModel) -> RegionModel:
        factors = {process: tuple(sorted(names, key=order.__getitem__)) for process, names in region.factors.items()}
        return dataclasses.replace(region, factors=factors)

    return dataclasses.replace(model, regions=tuple(map(ordered, model.regions)))


def _check_histogram_names(model: Model) -> None:
    for region in model.regions:
        wanted = {process: f"process {process!r}" for process in region.processes}
        for nuisance, effects in region.shapes.items():
            for process in effects:
                for direction in ("Up", "Down"):
                    name = f"{process}_{nuisance}{direction}"
                    what = f"nuisance {nuisance!r} of process {process!r}"
                    if name in wanted:
                        raise StatisticsError(
                            f"in region {region.name!r} the histograms of {wanted[name]} and {what} are both {name!r}"
                        )
                    wanted[name] = what


def _histograms(model: Model, region: RegionModel) -> dict[str, tuple[Floats, Floats | None]]:
    """Return the histograms of a region by name, with their variances."""
    found: dict[str, tuple[Floats, Floats | None]] = {"data_obs": (model.shown_data(region), None)}
    for process, values, sumw2 in zip(region.processes, region.nominal, region.sumw2, strict=True):
        found[process] = values, sumw2
    for nuisance, effects in region.shapes.items():
        for process, (up, down) in effects.items():
            found[f"{process}_{nuisance}Up"] = up, None
            found[f"{process}_{nuisance}Down"] = down, None
    return found


def _card(model: Model, regions: Sequence[RegionModel], name: str, with_shapes: bool) -> str:
    """Return the text of the card of some regions."""
    processes = dict.fromkeys(process for region in regions for process in region.processes)
    blind = [region.name for region in regions if region.data is None]
    call = write_call(model, regions, name)
    lines = [
        *([f"{NOTE} {call}"] if call else []),
        *([f"{NOTE} blind {' '.join(blind)}", "# (their data_obs is the expectation before the fit)"] if blind else []),
        *([f"{NOTE} smallest-norm {model.smallest_norm!r}"] if model.smallest_norm != SMALLEST_NORM else []),
        f"imax {len(regions)}",
        f"jmax {len(processes) - 1}",
        "kmax *",
        "-" * 40,
    ]
    if with_shapes:
        lines += [
            f"shapes * {region.name} shapes_{region.name}.root $PROCESS $PROCESS_$SYSTEMATIC" for region in regions
        ]
        lines.append("-" * 40)
    observed = ["-1" if with_shapes else _number(float(model.shown_data(region).sum())) for region in regions]
    lines += _table([["bin", *(region.name for region in regions)], ["observation", *observed]])
    lines.append("-" * 40)
    lines += _columns(model, regions, with_shapes)
    for region in regions:
        if region.mc_stat is not None:
            threshold = _number(region.mc_stat.threshold)
            lines.append(f"{region.name} autoMCStats {threshold} {int(region.mc_stat.include_signal)}")
    lines += _rate_parameters(model, regions)
    lines += _groups(model, model.used_in(regions))
    return "\n".join(lines) + "\n"


def _columns(model: Model, regions: Sequence[RegionModel], with_shapes: bool) -> list[str]:
    """Return the lines with a column for each process of each region."""
    signals = model.all_signals
    backgrounds = [process for process in model.processes if process not in signals]
    numbers = {process: 1 - len(signals) + number for number, process in enumerate([*signals, *backgrounds])}
    columns = [(region, process, row) for region in regions for row, process in enumerate(region.processes)]
    rows = [
        ["bin", "", *(region.name for region, _, _ in columns)],
        ["process", "", *(process for _, process, _ in columns)],
        ["process", "", *(str(numbers[process]) for _, process, _ in columns)],
        ["rate", "", *("-1" if with_shapes else _number(float(region.nominal[row, 0])) for region, _, row in columns)],
    ]
    in_formulas = {argument for name in model.used_in(regions) for argument in model.arguments(name)}
    params = []
    for name, parameter in model.free.items():
        _check_free(model, name, parameter)
        shapes = [process in region.shapes.get(name, ()) for region, process, _ in columns]
        if any(shapes):
            if _kind(model, name) != "shape":
                raise StatisticsError(f"the free parameter {name!r} interpolates logarithms, which cards can't have")
            rows.append([name, "shapeU", *("1" if has else "-" for has in shapes)])
    for name in model.nuisances:
        shapes = [process in region.shapes.get(name, ()) for region, process, _ in columns]
        kappas = [region.log_normals.get(name, {}).get(process) for region, process, _ in columns]
        if any(shapes):
            rows.append([name, _kind(model, name), *("1" if has else "-" for has in shapes)])
        elif any(kappas):
            rows.append([name, "lnN", *(_kappa(*pair) if pair else "-" for pair in kappas)])
        elif name in in_formulas:
            params.append((len(rows), f"{name} param 0 1"))
    lines = _table(rows)
    # From the last one, so that the positions of those before stay.
    for position, line in reversed(params):
        lines.insert(position, line)
    lines.insert(4, "-" * 40)
    return lines


def _kind(model: Model, name: str) -> str:
    """Return the kind of a nuisance with templates, of which all or none are interpolated in logarithms."""
    kinds = {process in region.logarithmic for region in model.regions for process in region.shapes.get(name, ())}
    if len(kinds) > 1:
        raise StatisticsError(
            f"the nuisance {name!r} interpolates logarithms of some templates and others as they are, which cards can't"
        )
    return "shapeN" if True in kinds else "shape"


def _check_free(model: Model, name: str, parameter: FreeParameter) -> None:
    """Check that a card can have a free parameter."""
    if not any(name in (*region.shapes, *region.log_normals) for region in model.regions):
        return
    if not any(name in region.shapes for region in model.regions):
        raise StatisticsError(f"the free parameter {name!r} has log-normals, which cards can't have")
    if parameter != FreeParameter(-1.0, 1.0, 0.0) or any(
        name in names for region in model.regions for names in region.factors.values()
    ):
        raise StatisticsError(
            f"the free parameter {name!r} varies templates, so in a card it starts at 0, lies between -1 and 1, and "
            "multiplies no yield"
        )


def _kappa(low: float, high: float) -> str:
    """Return the effect of a log-normal, as one number where it is read back to the same two."""
    if low == 1 / high and high != 1:
        return repr(float(high))
    return f"{float(low)!r}/{float(high)!r}"


def _number(value: float) -> str:
    """Return all digits of a number, without those that say nothing."""
    return repr(float(value)).removesuffix(".0")


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows of aligned columns."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _rate_parameters(model: Model, regions: Sequence[RegionModel]) -> list[str]:
    places: dict[str, list[tuple[str, str]]] = {}
    for region in regions:
        for process in region.processes:
            for name in region.factors.get(process, ()):
                places.setdefault(name, []).append((region.name, process))
    used = model.used_in(regions)
    lines = []
    for name, parameter in model.free.items():
        if name in places:
            lines += [f"{name} rateParam {region} {process} {_range(parameter)}" for region, process in places[name]]
        elif name in used and not any(name in region.shapes for region in model.regions):
            lines.append(f"{name} extArg {_range(parameter)}")
    for name, formula in model.formulas.items():
        if name in places and not formula.arguments:
            raise StatisticsError(f"the formula {name!r} has no argument, which combine can't take")
        text = f"{''.join(formula.expression.split())} {','.join(formula.arguments)}"
        lines += [f"{name} rateParam {region} {process} {text}" for region, process in places.get(name, ())]
    return lines


def _range(parameter: FreeParameter) -> str:
    initial = _number(parameter.initial)
    if math.isinf(parameter.low) and math.isinf(parameter.high):
        return initial
    return f"{initial} [{_number(parameter.low)},{_number(parameter.high)}]"


def _groups(model: Model, used: set[str]) -> list[str]:
    members: Mapping[str, list[str]] = {
        group: [name for name in names if name in used] for group, names in model.groups.items()
    }
    return [f"{group} group = {' '.join(names)}" for group, names in members.items() if names]
