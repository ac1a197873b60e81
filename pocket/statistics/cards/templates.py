"""Templates of the processes of a datacard: its rates and histograms, and what uncertainties do to them.

As in combine, a rate of −1 is that of the histogram; any other one must agree with it to 1 %, and counts, unless the
region has ``autoMCStats``. Templates that stand for 1/s standard deviations can be read if s is at most 1, and the same
for all templates of the process in the region: then combine's interpolation is that of templates s times as far away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.statistics.cards.histograms import COUNTING_EDGES, Histogram, HistogramFiles, check_finite
from pocket.statistics.cards.syntax import Card, Column, ShapeLine
from pocket.statistics.cards.uncertainties import Effect, Systematics, Uncertainty
from pocket.statistics.model import SMALLEST_NORM

#: file name that stands for no histogram
FAKE = "FAKE"
#: process name of the data
DATA = "data_obs"
#: how far numbers of events are from integers at most, relatively, where sums were made in single precision
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Names:
    """What words with ``$`` stand for: ``$MASS``, and others by keyword."""

    mass: str
    keywords: Mapping[str, str]

    def fill(self, text: str, column: tuple[str, str], systematic: str = "") -> str:
        """Return a name with all words filled in.

        >>> Names("125", {}).fill("$CHANNEL/$PROCESS$MASS_$SYSTEMATIC", ("sr", "ggH"), "jesUp")
        'sr/ggH125_jesUp'
        """
        if "$" not in text:
            return text
        region, process = column
        values = {"PROCESS": process, "CHANNEL": region, "SYSTEMATIC": systematic, "MASS": self.mass}
        for word, value in {**values, **self.keywords}.items():
            text = text.replace(f"${word}", value)
        return text


@dataclass(eq=False)
class ProcessTemplates:
    """What the model holds of a process in a region.

    Args:
        nominal, sumw2: shape (bins,).
        edges: edges of the bins, or None for a counting region.
        shapes: nuisance → templates at +1 and −1.
        log_normals: nuisance → factors at −1 and +1.
        logarithmic: whether logarithms of the templates are interpolated.
    """

    process: str
    nominal: Floats
    sumw2: Floats
    edges: Floats | None
    shapes: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)
    log_normals: dict[str, tuple[float, float]] = field(default_factory=dict)
    logarithmic: bool = False


class RegionReader:
    """The reader of the processes and the data of regions."""

    def __init__(self, card: Card, systematics: Systematics, files: HistogramFiles, names: Names) -> None:
        self._card = card
        self._files = files
        self._names = names
        self._mc_stat = systematics.mc_stat
        self._first: dict[str, Histogram] = {}
        #: histograms with bins below 0, which are cut
        self.cut: list[str] = []
        #: histograms of data that differ from integers by rounding
        self.rounded: list[str] = []
        #: region → its data, where they are no integers
        self.weighted: dict[str, str] = {}
        #: uncertainties of shapes in regions without histograms
        self.shapeless: list[str] = []
        self._effects: dict[tuple[str, str], list[tuple[Uncertainty, Effect]]] = {}
        for uncertainty in systematics.uncertainties:
            if uncertainty.name not in systematics.frozen:
                for place, effect in uncertainty.effects.items():
                    self._effects.setdefault(place, []).append((uncertainty, effect))

    def has_histograms(self, region: str) -> bool:
        """Tell whether histograms of a region were read."""
        return region in self._first

    def process(self, column: Column, events: float | None) -> ProcessTemplates | None:
        """Return the templates of a process, or None if it has no events; ``events`` come from a sideband."""
        line = self._line(column.region, column.process)
        where = f"process {column.process!r} in region {column.region!r}"
        if column.rate == 0 and events is None:
            return None
        if line is None:
            if column.rate < 0:
                raise StatisticsError(f"the rate {column.rate:g} of {where} can't be without a histogram")
            nominal = np.array([column.rate if events is None else events])
            found = ProcessTemplates(column.process, nominal, np.zeros(1), None)
            self._vary_counts(column, found)
            return found
        histogram = self._read(line, line.nominal, (column.region, column.process))
        total = float(histogram.values.sum())
        if column.rate < 0 and column.rate != -1:
            raise StatisticsError(f"the rate {column.rate:g} of {where} is negative")
        if column.rate != -1 and abs(total - column.rate) > 0.01 * max(1, column.rate):
            raise StatisticsError(
                f"the rate of {where} is {column.rate:g}, but the histogram {histogram.place} has {total:g} events"
                f"{self._mass_in(line.nominal)}"
            )
        if not total > 0:
            return None
        # Combine uses the errors of no other histograms, so those may be wrong.
        check_finite(np.where(histogram.variances < 0, np.nan, histogram.variances), "error", histogram.place)
        scale = 1.0
        if column.region not in self._mc_stat and (events is not None or column.rate != -1):
            scale = (column.rate if events is None else events) / total
        nominal = self._cut(histogram)
        if nominal is not histogram.values and column.region not in self._mc_stat:
            nominal = nominal * (total / nominal.sum())
        # A factor of 1 would keep all bits but of −0.
        if scale != 1:
            nominal = nominal * scale
        edges = None if np.array_equal(histogram.edges, COUNTING_EDGES) else histogram.edges
        found = ProcessTemplates(column.process, nominal, histogram.variances * scale**2, edges)
        self._vary(column, line, histogram, scale, found)
        return found

    def data(self, region: str, edges: Floats | None) -> Floats:
        """Return the data of a region."""
        observed = self._card.observations[region]
        line = self._line(region, DATA)
        if line is None:
            return self._counts(region, np.array([observed]), f"the observation of region {region!r}")
        histogram = self._read(line, line.nominal, (region, DATA))
        total = float(histogram.values.sum())
        if observed != -1 and abs(total - observed) > (0.005 * observed if observed > 0 else 0.01):
            raise StatisticsError(
                f"the observation of region {region!r} is {observed:g}, but {histogram.place} has {total:g} events"
            )
        data = self._counts(region, histogram.values, histogram.place)
        if region not in self.weighted and not np.array_equal(data, histogram.values):
            self.rounded.append(histogram.place)
        return data

    def _counts(self, region: str, values: Floats, place: str) -> Floats:
        """Return numbers of events, which may differ from integers as much as single precision makes them, or more."""
        if (values < 0).any():
            wrong = int(np.argmax(values < 0))
            raise StatisticsError(
                f"the data of region {region!r}, {place}, have {float(values[wrong])!r} events in bin {wrong}"
            )
        integers = np.round(values)
        if (np.abs(values - integers) <= _ROUNDING * np.maximum(integers, 1)).all():
            return integers
        # Combine takes them as they are.
        self.weighted[region] = place
        return values

    def _line(self, region: str, process: str) -> ShapeLine | None:
        """Return where the histogram of a process is, or None in a counting region."""
        card = self._card
        line = card.shape_line(region, process)
        if line is None and card.shapes:
            raise StatisticsError(
                f"no line 'shapes' of {card.name} says where the histogram of {process!r} in region {region!r} is"
            )
        fake = line is None or line.file == FAKE
        others = [name for name in (DATA, *(c.process for c in card.columns if c.region == region)) if name != process]
        for other in others if line else ():
            other_line = card.shape_line(region, other)
            if other_line is not None and (other_line.file == FAKE) != fake:
                card.refuse(other_line.line, f"in region {region!r} only {process!r} or {other!r} has a histogram")
        return None if fake else line

    def _read(self, line: ShapeLine, name: str, column: tuple[str, str], systematic: str = "") -> Histogram:
        try:
            file = self._names.fill(line.file, column, systematic)
            histogram = self._files.read(file, self._names.fill(name, column, systematic))
        except StatisticsError as error:
            region, process = column
            of = f"nuisance {systematic!r} of " if systematic else ""
            self._card.refuse(line.line, f"{of}process {process!r} in region {region!r}: {error}{self._mass_in(name)}")
        first = self._first.setdefault(column[0], histogram)
        if histogram.edges is not first.edges and (
            histogram.edges.shape != first.edges.shape
            or not np.allclose(histogram.edges, first.edges, rtol=1e-6, atol=1e-6 * float(np.diff(first.edges).min()))
        ):
            self._card.refuse(
                line.line,
                f"the histogram {histogram.place} has {len(histogram.values)} bins from {histogram.edges[0]:g} to "
                f"{histogram.edges[-1]:g}, which aren't those of {first.place}: {len(first.values)} from "
                f"{first.edges[0]:g} to {first.edges[-1]:g}",
            )
        return histogram

    def _mass_in(self, name: str) -> str:
        """Return what ``$MASS`` stands for in a name, if it is there."""
        return f" ($MASS is {self._names.mass} here)" if "$MASS" in name else ""

    def _cut(self, histogram: Histogram) -> Floats:
        """Return the contents, cut to 0 where they are negative."""
        if not (histogram.values < 0).any():
            return histogram.values
        self.cut.append(histogram.place)
        return np.maximum(histogram.values, 0)

    def _vary_counts(self, column: Column, found: ProcessTemplates) -> None:
        for uncertainty, effect in self._effects.get(column.place, ()):
            if uncertainty.kind == "shape":
                self.shapeless.append(f"{uncertainty.name} in {column.region}")
            elif uncertainty.kind in ("lnN", "shape?"):
                _add_log_normal(found, uncertainty.name, effect)

    def _vary(
        self, column: Column, line: ShapeLine, histogram: Histogram, scale: float, found: ProcessTemplates
    ) -> None:
        """Add what uncertainties do to a process with a histogram."""
        shapes: list[tuple[Uncertainty, Effect]] = []
        for uncertainty, effect in self._effects.get(column.place, ()):
            varied = uncertainty.kind != "shape?" or self._is_varied(line, column, effect)
            if uncertainty.kind.startswith("shape") and varied:
                shapes.append((uncertainty, effect))
            elif uncertainty.kind in ("lnN", "shape?"):
                _add_log_normal(found, uncertainty.name, effect)
        deviations = self._deviations(column, shapes)
        found.logarithmic = any(uncertainty.logarithmic for uncertainty, _ in shapes)
        for uncertainty, _ in shapes:
            if uncertainty.logarithmic != found.logarithmic:
                self._card.refuse(
                    uncertainty.line,
                    f"process {column.process!r} in region {column.region!r} has shapeN and other shapes, of which "
                    "combine takes only one kind",
                )
        if shapes:
            self._vary_shapes(column, line, histogram, scale, found, shapes, deviations)

    def _is_varied(self, line: ShapeLine, column: Column, effect: Effect) -> bool:
        file = self._names.fill(line.file, column.place)
        name = self._names.fill(line.varied, column.place, f"{effect.template}Up")
        return bool(line.varied) and self._files.has(file, name)

    def _deviations(self, column: Column, shapes: list[tuple[Uncertainty, Effect]]) -> float:
        """Return the number of standard deviations that is 1 in the templates of a process."""
        values = {effect.value for _, effect in shapes} or {1.0}
        value = values.pop()
        if values or isinstance(value, tuple) or value > 1:
            line = next((u.line for u, effect in shapes if effect.value != 1), shapes[0][0].line)
            self._card.refuse(
                line,
                f"the scales of the templates of process {column.process!r} in region {column.region!r} differ, or are "
                "larger than 1, so they can't be read exactly",
            )
        return value

    def _vary_shapes(
        self,
        column: Column,
        line: ShapeLine,
        histogram: Histogram,
        scale: float,
        found: ProcessTemplates,
        shapes: list[tuple[Uncertainty, Effect]],
        deviations: float,
    ) -> None:
        """Add the varied templates of uncertainties, all at once, since there may be many."""
        of = f"process {column.process!r} in region {column.region!r}"
        if not line.varied:
            self._card.refuse(line.line, f"the line 'shapes' doesn't say where the templates of nuisances of {of} are")
        names = [effect.template + direction for _, effect in shapes for direction in ("Up", "Down")]
        varied = [self._read(line, line.varied, column.place, name) for name in names]
        values = np.array([one.values for one in varied])
        totals = values.sum(axis=1)
        for number in np.flatnonzero(~(totals > 0)):
            raise StatisticsError(
                f"the template {varied[number].place} of nuisance {shapes[number // 2][0].name!r} of {of} has "
                f"{totals[number]:g} events, not more than 0"
            )
        kappas = totals / histogram.values.sum()
        negative = (values < 0).any(axis=1)
        self.cut += [varied[number].place for number in np.flatnonzero(negative)]
        values[negative] = np.maximum(values[negative], 0)
        at_yield = negative | (histogram.values < 0).any()
        values *= np.where(at_yield, kappas * found.nominal.sum() / values.sum(axis=1), scale)[:, None]
        pairs = zip(shapes, values.reshape(len(shapes), 2, -1), kappas.reshape(-1, 2).tolist(), strict=True)
        for (uncertainty, effect), (up, down), (high, low) in pairs:
            if uncertainty.name in found.shapes:
                self._card.refuse(
                    uncertainty.line, f"templates of {uncertainty.name!r} vary process {column.process!r} twice"
                )
            if deviations != 1:
                up, down = _less_far(found, up / high, deviations), _less_far(found, down / low, deviations)
                if max(abs(high - 1), abs(low - 1)) >= SMALLEST_NORM:
                    powers = low**deviations, high**deviations
                    _add_log_normal(found, uncertainty.name, Effect(powers, effect.template))
            found.shapes[uncertainty.name] = up, down


def _less_far(found: ProcessTemplates, varied: Floats, deviations: float) -> Floats:
    """Return the template of one standard deviation, at fixed yield, from that of several."""
    nominal = found.nominal
    if not found.logarithmic:
        return np.asarray(nominal + deviations * (varied - nominal))
    ratio = np.divide(varied, nominal, out=np.ones(len(nominal)), where=(nominal > 0) & (varied > 0))
    changed = nominal * ratio**deviations
    return np.asarray(changed * (nominal.sum() / changed.sum()))


def _add_log_normal(found: ProcessTemplates, name: str, effect: Effect) -> None:
    if effect.value == 1:
        return
    low, high = effect.value if isinstance(effect.value, tuple) else (1 / effect.value, effect.value)
    if name in found.log_normals:
        before = found.log_normals[name]
        low, high = before[0] * low, before[1] * high
    found.log_normals[name] = low, high
