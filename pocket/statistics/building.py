"""Models made from declarations and templates, with a record of how each template was treated."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any

import numpy as np

from pocket.base.edges import missing_edge
from pocket.base.typing import Floats, Mask
from pocket.errors import ConfigError, StatisticsError, UnknownNameError
from pocket.histograms.config import finite_edges
from pocket.statistics.binning import apply_flow, describe_bins, rebin
from pocket.statistics.checks import Finding, find_mistakes
from pocket.statistics.consistency import check_groups, require_declared
from pocket.statistics.declarations import Drop, Free, LogNormal, Region, StatisticalModel, Stored, Years
from pocket.statistics.formulas import Formula
from pocket.statistics.model import Model, RegionModel, nested
from pocket.statistics.names import check_parameter_name, fits_any
from pocket.statistics.regions import Contents, RegionTemplates
from pocket.statistics.treatment import Options, Step, Treated, largest_shape, remove_negative, treat

#: changes of shape by factors of years below this are rounding
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class ProcessRecord:
    """Treatment of the nominal templates of one process in a region, and parameter → its effect."""

    steps: tuple[Step, ...]
    effects: Mapping[str, Treated]


@dataclass(frozen=True, eq=False)
class RegionRecord:
    """Treatment of a region.

    Args:
        edges: edges before and after, ``None`` for one that is counted.
        outside: process → events (below, above) the edges.
        left_out: process without a positive yield → its yield.
    """

    edges: tuple[Floats, Floats] | None
    flow: str
    outside: Mapping[str, tuple[float, float]]
    left_out: Mapping[str, float]
    processes: Mapping[str, ProcessRecord]


@dataclass(frozen=True, eq=False)
class Built:
    """A model and how it was made.

    Args:
        model: the model.
        treatment: region → what was done to its templates.
        findings: what is probably a mistake.
        pruned: parameters that change nothing, or so little that they are left out.
    """

    model: Model
    treatment: Mapping[str, RegionRecord]
    findings: tuple[Finding, ...]
    pruned: tuple[str, ...] = ()


def build_model(
    declaration: StatisticalModel, templates: Mapping[str, RegionTemplates], *, unblind: bool = False
) -> Built:
    """Return the model of a declaration.

    Args:
        declaration: the declaration.
        templates: region → templates; each is asked for once, so they may be read on the way.
        unblind: whether blind regions get their data.

    Raises:
        ConfigError: if a stored variation is neither taken nor dropped.
        UnknownNameError: if templates of a region are missing, or a name fits nothing that is stored.
        StatisticsError: if templates can't be part of a model, with region, process, nuisance and bin.

    >>> from pocket.statistics import LogNormal, Process, Region, Stored
    >>> declaration = StatisticalModel(
    ...     regions={"sr": Region("nominal", "signal", "mass")},
    ...     processes={"signal": Process("DY", signal=True)},
    ...     nuisances=[Stored("pileup"), LogNormal("lumi", 1.02)],
    ... )
    >>> pileup = (np.array([0.0, 11, 20, 0]), np.array([0.0, 9, 20, 0]))
    >>> contents = Contents(np.array([0.0, 10, 20, 0]), np.array([0.0, 1, 2, 0]), {"pileup": pileup})
    >>> built = build_model(declaration, {"sr": RegionTemplates(np.array([0.0, 1, 2]), {"signal": {"2018": contents}})})
    >>> built.model.nuisances, built.model.region("sr").nominal.tolist()
    (('pileup', 'lumi'), [[10.0, 20.0]])
    """
    made: dict[str, RegionModel] = {}
    records: dict[str, RegionRecord] = {}
    found = _Found()
    for name in declaration.regions:
        if name not in templates:
            raise UnknownNameError("region", name, templates, "the templates")
        made[name], records[name] = _RegionBuilder(declaration, name, templates[name], found).build(unblind)
    # Groups may name those of processes that are left out, too.
    parameters = tuple(found.parameters | found.without_process)
    require_declared(declaration, found.stored, "the model")
    model = _assemble(declaration, made, parameters, found.findings)
    # Whoever writes a large factor into the declaration knows that it is large.
    found.findings += [
        finding
        for finding in find_mistakes(model)
        if finding.check != "large_rate" or (finding.region, finding.process, finding.nuisance) not in found.rates
    ]
    pruned = tuple(name for name in parameters if name not in model.nuisances)
    return Built(model, records, tuple(found.findings), pruned)


def write_treatment(treatment: Mapping[str, RegionRecord], file: IO[str]) -> None:
    """Write ``treatment.json``, one effect after the other, since all as plain data may take much memory.

    Args:
        treatment: region → what was done.
        file: where it is written.
    """
    dump = partial(json.dumps, separators=(",", ":"), allow_nan=False)
    separator = "{"
    for name, record in treatment.items():
        edges = [each.tolist() for each in record.edges] if record.edges is not None else None
        head = {
            "edges": edges and {when: _finite(each) for when, each in zip(("before", "after"), edges, strict=True)},
            "flow": record.flow,
            "outside": record.outside,
            "left_out": record.left_out,
        }
        file.write(f'{separator}\n{dump(name)}:{dump(head)[:-1]},"processes":')
        file.write("{")
        for number, (process, of_process) in enumerate(record.processes.items()):
            steps = dump([step.plain() for step in of_process.steps])
            file.write(f'{"," if number else ""}\n{dump(process)}:{{"steps":{steps},"nuisances":')
            file.write("{")
            for position, (parameter, treated) in enumerate(of_process.effects.items()):
                plain = {**treated.plain(), "largest_shape": _finite([treated.largest])[0]}
                file.write(f"{',' if position else ''}\n{dump(parameter)}:{dump(plain)}")
            file.write("}}")
        file.write("}}")
        separator = ","
    file.write("\n}\n")


def join_treatments(texts: Iterable[str], file: IO[str]) -> None:
    """Write one ``treatment.json`` of several models, whose regions have different names, without parsing them.

    >>> import io
    >>> joined = io.StringIO()
    >>> join_treatments(['{\\n"a":{}\\n}\\n', '{\\n"b":{}\\n}\\n'], joined)
    >>> json.loads(joined.getvalue())
    {'a': {}, 'b': {}}
    """
    separator = "{"
    for text in texts:
        file.write(separator + text.rstrip().removeprefix("{").removesuffix("}").rstrip())
        separator = ","
    file.write("\n}\n")


def _finite(numbers: Iterable[float]) -> list[float | None]:
    """Return numbers for JSON, with ``None`` for infinite ones."""
    return [number if math.isfinite(number) else None for number in numbers]


@dataclass(frozen=True)
class _Parameter:
    """A parameter of one nuisance, with the years that it changes and its share of the effect."""

    name: str
    years: tuple[str, ...]
    share: float


def _parameters(correlation: Years, name: Any, years: Sequence[str]) -> Iterator[_Parameter]:
    """Yield the parameters of a nuisance in some years; ``name`` is called with a year, or nothing for all of them."""
    if correlation is True:
        yield _Parameter(name(""), tuple(years), 1.0)
        return
    rest = 1.0
    if correlation != "apart":
        rho = float(correlation)
        yield _Parameter(name(""), tuple(years), math.sqrt(rho))
        rest = math.sqrt(1 - rho)
    for year in years:
        yield _Parameter(name(year), (year,), rest)


def stored_effects(
    declaration: StatisticalModel, region: str, process: str, by_year: Mapping[str, Contents]
) -> Iterator[tuple[str, Stored, _Parameter]]:
    """Yield variation, declaration and parameter of the stored variations of a process that are nuisances."""
    for variation in dict.fromkeys(name for one in by_year.values() for name in one.varied):
        declared = declaration.declared_for(variation, process, region)
        if declared is None or isinstance(declared, Drop):
            continue
        years = [year for year, one in by_year.items() if variation in one.varied]
        for parameter in _parameters(declared.years, partial(declared.parameter, variation), years):
            yield variation, declared, parameter


@dataclass
class _Found:
    """What is found in all regions."""

    findings: list[Finding] = field(default_factory=list)
    #: names of the parameters of nuisances, including those without an effect
    parameters: dict[str, None] = field(default_factory=dict)
    #: names of the parameters of processes that are left out
    without_process: dict[str, None] = field(default_factory=dict)
    #: variation, process and region of what is stored
    stored: set[tuple[str, str, str]] = field(default_factory=set)
    #: region, process and parameter of factors that are declared
    rates: set[tuple[str, str, str]] = field(default_factory=set)


@dataclass
class _RegionBuilder:
    """Builder of the model of one region."""

    declaration: StatisticalModel
    name: str
    templates: RegionTemplates
    found: _Found

    def build(self, unblind: bool) -> tuple[RegionModel, RegionRecord]:
        """Return the model of the region and the record of its treatment."""
        region = self.region
        self._check_edges()
        outside: dict[str, tuple[float, float]] = {}
        left_out: dict[str, float] = {}
        records: dict[str, ProcessRecord] = {}
        nominal, sumw2 = [], []
        for process in self.declaration.processes:
            by_year = self.templates.contents.get(process, {})
            binned = {year: self._binned(contents) for year, contents in by_year.items()}
            total = sum((one.values for one in binned.values()), np.zeros(self.bins))
            events = float(total.sum())
            outside[process] = self._outside(by_year)
            self.found.stored |= {(name, process, self.name) for one in by_year.values() for name in one.varied}
            if not events > 0:
                left_out[process] = events
                self.found.without_process |= dict.fromkeys(self._names_of(process, binned))
                text = f"process {process!r} is left out of region {self.name!r}, where its yield is {events:.3g}"
                self.found.findings.append(Finding("left_out", text, self.name, process, value=events))
                continue
            variances = sum((one.variances for one in binned.values()), np.zeros(self.bins))
            values, negative = remove_negative(total)
            steps: tuple[Step, ...] = ()
            if negative.any():
                how = "negative bins are 0, at the same yield"
                steps = (Step("bins", how, {"nominal": total}, {"nominal": values}),)
                self._report_negative(process, total, negative)
                kept = total[~negative].sum()
                variances = variances * (events / kept) ** 2
            effects = self._effects(process, binned, values, variances, negative)
            nominal.append(values)
            sumw2.append(variances)
            records[process] = ProcessRecord(steps, effects)
        if not nominal:
            yields = ", ".join(f"{process} {events:.3g}" for process, events in left_out.items())
            raise StatisticsError(f"region {self.name!r} has no process with a positive yield: {yields}")
        old, new = self.templates.edges, self.edges
        record = RegionRecord(
            None if new is None or old is None else (old, new), region.flow, outside, left_out, records
        )
        return self._model(records, np.array(nominal), np.array(sumw2), unblind), record

    @property
    def region(self) -> Region:
        """The declared region."""
        return self.declaration.regions[self.name]

    @property
    def edges(self) -> Floats | None:
        """Edges of the treated bins."""
        if self.region.is_counting or self.templates.edges is None:
            return None
        return finite_edges(self.templates.edges if self.region.edges is None else np.array(self.region.edges))

    @property
    def bins(self) -> int:
        """Number of treated bins."""
        return 1 if self.edges is None else len(self.edges) - 1

    def _check_edges(self) -> None:
        old = self.templates.edges
        if self.region.edges is None or old is None:
            return
        if missing := missing_edge(self.region.edges, old):
            raise StatisticsError(
                f"region {self.name!r}: {missing[0]:g} is no edge of histogram {self.region.variable!r}, nearest: "
                f"{missing[1]:g}"
            )

    def _coarse(self, contents: Floats) -> Floats:
        """Return contents in the edges of the region, with flow; shape (…, bins + 2)."""
        if self.region.edges is None or self.templates.edges is None:
            return contents
        return rebin(contents, self.templates.edges, self.region.edges)

    def _bins_of(self, contents: Floats) -> Floats:
        return apply_flow(self._coarse(contents), self.region.flow)

    def _binned(self, contents: Contents) -> Contents:
        """Return contents in the bins of the region, without flow."""
        sides = [side for pair in contents.varied.values() for side in pair if side is not None]
        rows = iter(self._bins_of(np.array(sides))) if sides else iter(())
        varied = {
            name: (None if up is None else next(rows), None if down is None else next(rows))
            for name, (up, down) in contents.varied.items()
        }
        return Contents(self._bins_of(contents.values), self._bins_of(contents.variances), varied)

    def _outside(self, by_year: Mapping[str, Contents]) -> tuple[float, float]:
        below, above = 0.0, 0.0
        for contents in by_year.values():
            coarse = self._coarse(contents.values)
            below, above = below + float(coarse[0]), above + float(coarse[-1])
        return below, above

    def _report_negative(self, process: str, total: Floats, negative: Mask) -> None:
        bins = tuple(map(int, np.flatnonzero(negative)))
        text = (
            f"process {process!r} is negative in region {self.name!r}, {describe_bins(bins, self.edges)}: that is 0 "
            "now, with its variations, at the same yield"
        )
        self.found.findings.append(
            Finding("negative_bin", text, self.name, process, bins=bins, value=float(total[negative].min()))
        )

    def _effects(
        self, process: str, binned: Mapping[str, Contents], nominal: Floats, variances: Floats, negative: Mask
    ) -> dict[str, Treated]:
        """Return parameter → effect of all nuisances on a process."""
        effects: dict[str, Treated] = {}
        sources: dict[str, str] = {}
        removed = negative if negative.any() else None
        for variation, declared, parameter in stored_effects(self.declaration, self.name, process, binned):
            self._claim(parameter.name, process, f"variation {variation!r}", sources)
            sides = varied_sum(binned, variation, parameter.years)
            options = Options(
                declared.symmetrise, declared.smooth, declared.only, parameter.share, self.declaration.prune
            )
            treated = treat(nominal, variances, sides, options, removed)
            self._report_cut_off(process, parameter.name, sides, nominal)
            effects[parameter.name] = treated
        for name, nuisance, by_year in _factors_by_year(self.declaration, process, self.name, tuple(binned)):
            self._claim(nuisance, process, f"LogNormal({name!r})", sources)
            effects[nuisance] = self._factor_effect(by_year, binned, nominal)
            self.found.rates.add((self.name, process, nuisance))
        return effects

    def _names_of(self, process: str, binned: Mapping[str, Contents]) -> list[str]:
        """Return the names of all nuisances of a process."""
        names = [parameter.name for _, _, parameter in stored_effects(self.declaration, self.name, process, binned)]
        factors = _factors_by_year(self.declaration, process, self.name, tuple(binned))
        return [*names, *(nuisance for _, nuisance, _ in factors)]

    def _claim(self, parameter: str, process: str, source: str, sources: dict[str, str]) -> None:
        where = f"{source} of process {process!r} in region {self.name!r}"
        if parameter not in self.found.parameters:
            check_parameter_name(parameter, where)
            self.found.parameters[parameter] = None
        if parameter in sources:
            raise ConfigError(f"{sources[parameter]} and {where} are both of the parameter {parameter!r}")
        sources[parameter] = source

    def _report_cut_off(self, process: str, parameter: str, sides: Sequence[Floats | None], nominal: Floats) -> None:
        for side, values in zip(("up", "down"), sides, strict=True):
            if values is not None and values.sum() < 0.01 * nominal.sum():
                text = (
                    f"the template {side} of nuisance {parameter!r} of process {process!r} in region {self.name!r} has "
                    f"the yield {values.sum():.3g} beside {nominal.sum():.3g} of nominal: 1 % of nominal is taken"
                )
                self.found.findings.append(
                    Finding("cut_off", text, self.name, process, parameter, value=float(values.sum()))
                )

    def _factor_effect(
        self, by_year: Mapping[str, tuple[float, float]], binned: Mapping[str, Contents], nominal: Floats
    ) -> Treated:
        """Return the effect of factors (at −1, at +1), which may differ between years."""
        powers = {year: by_year.get(year, (1.0, 1.0)) for year in binned}
        if len(set(powers.values())) == 1:
            down_factor, up_factor = next(iter(powers.values()))
            return Treated((down_factor, up_factor), None, "rate", 0.0)
        total = sum((one.values for one in binned.values()), np.zeros(self.bins))
        sides = []
        for number in (1, 0):
            varied = sum((one.values * powers[year][number] for year, one in binned.items()), np.zeros(self.bins))
            # Bins that are negative in a year are as in nominal.
            ratio = np.divide(varied, total, out=np.ones(self.bins), where=(total > 0) & (varied > 0))
            sides.append(nominal * ratio)
        up, down = sides
        factors = float(down.sum() / nominal.sum()), float(up.sum() / nominal.sum())
        largest = largest_shape(nominal, (up, down))
        is_rate = largest < _ROUNDING
        return Treated(factors, None if is_rate else (up, down), "rate" if is_rate else "shape", largest)

    def _model(
        self, records: Mapping[str, ProcessRecord], nominal: Floats, sumw2: Floats, unblind: bool
    ) -> RegionModel:
        effects = [(process, *item) for process, record in records.items() for item in record.effects.items()]
        data = None if self.declaration.is_blind(self.name) and not unblind else self.templates.data
        return RegionModel(
            self.name,
            tuple(records),
            nominal,
            sumw2,
            data=None if data is None else self._bins_of(data),
            edges=self.edges,
            shapes=nested((name, process, one.shapes) for process, name, one in effects if one.shapes is not None),
            log_normals=nested((name, process, one.factors) for process, name, one in effects if one.kind == "rate"),
            factors=self._factors(records),
            mc_stat=self.declaration.mc_stat,
        )

    def _factors(self, processes: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for process in processes:
            poi = self.declaration.poi_of(process)
            free = [one.name for one in self.declaration.of_kind(Free) if one.multiplies(process, self.name)]
            if names := dict.fromkeys([*([poi] if poi else []), *free]):
                found[process] = tuple(names)
        return found


def varied_sum(
    by_year: Mapping[str, Contents], variation: str, years: Sequence[str]
) -> tuple[Floats | None, Floats | None]:
    """Return templates (up, down): the varied ones of some years and the nominal ones of all others."""
    sides: list[Floats | None] = []
    for number in (0, 1):
        if all(one.sides(variation)[number] is None for year, one in by_year.items() if year in years):
            sides.append(None)
            continue
        parts = [one.side(variation, number) if year in years else one.values for year, one in by_year.items()]
        sides.append(np.sum(parts, axis=0))
    return sides[0], sides[1]


def _factors_by_year(
    declaration: StatisticalModel, process: str, region: str, years: Sequence[str]
) -> Iterator[tuple[str, str, dict[str, tuple[float, float]]]]:
    """Yield declared name, parameter, and year → factors (at −1, at +1) of what changes a process in a region.

    Of several declarations of one name, the last one counts that has factors in a year.
    """
    counting: dict[str, dict[str, tuple[LogNormal, tuple[float, float]]]] = {}
    for one in declaration.of_kind(LogNormal):
        for year in years:
            if pair := one.factors(process, region, year):
                counting.setdefault(one.name, {})[year] = one, pair
    for name, by_year in counting.items():
        found: dict[str, dict[str, tuple[float, float]]] = {}
        for year in (year for year in years if year in by_year):
            one, (down, up) = by_year[year]
            for parameter in _parameters(one.years, one.parameter, (year,)):
                found.setdefault(parameter.name, {})[year] = down**parameter.share, up**parameter.share
        for parameter_name, factors in found.items():
            yield name, parameter_name, factors


def _assemble(
    declaration: StatisticalModel,
    regions: Mapping[str, RegionModel],
    parameters: tuple[str, ...],
    findings: list[Finding],
) -> Model:
    """Return the model of all regions, without parameters that change nothing."""
    declared = {one.name: one for one in declaration.of_kind(Free)}
    changing = dict.fromkeys(name for region in regions.values() for name in (*region.shapes, *region.log_normals))
    nuisances = tuple(name for name in parameters if name in changing)
    for name in parameters:
        if name in declared or name in declaration.pois:
            raise ConfigError(f"the nuisance {name!r} has the name of a parameter without constraint")
        if name not in changing and declaration.prune is None:
            findings.append(Finding("no_effect", f"nuisance {name!r} changes nothing and is left out", nuisance=name))
    used = dict.fromkeys(
        factor for region in regions.values() for factors in region.factors.values() for factor in factors
    )
    formulas = {
        name: Formula(one.formula, tuple(one.arguments))
        for name, one in declared.items()
        if one.formula is not None and name in used
    }
    needed = {*used, *(argument for formula in formulas.values() for argument in formula.arguments)}
    free = {name: one.parameter for name, one in declared.items() if one.formula is None and name in needed}
    for name in declared:
        if name not in needed:
            findings.append(Finding("no_effect", f"free parameter {name!r} multiplies nothing", nuisance=name))
    for poi in declaration.pois:
        if poi not in needed:
            raise StatisticsError(
                f"the parameter of interest {poi!r} multiplies no process with a positive yield in any region"
            )
    groups = _groups(declaration, (*parameters, *declared), {*nuisances, *free})
    return Model(tuple(regions.values()), declaration.pois, nuisances, free, formulas, groups)


def _groups(declaration: StatisticalModel, known: Sequence[str], present: set[str]) -> dict[str, tuple[str, ...]]:
    check_groups(declaration, known)
    groups = {}
    for group, patterns in declaration.groups.items():
        members = tuple(name for name in known if name in present and fits_any(patterns, name))
        if members:
            groups[group] = members
    return groups
