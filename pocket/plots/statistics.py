"""Comparison of data with a prediction: uncertainties per bin, covariance, chi-square and yields.

A weight systematic moves all processes together: its shifts are first added over the processes, and then combined with
other sources. Underflow and overflow are ignored here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from pocket.base.typing import Floats, Mask
from pocket.errors import HistogramError
from pocket.histograms.one_sided import stem_of

if TYPE_CHECKING:
    from hist import Hist


#: minimum of expected events, and of effective MC events, up to which bins of the chi-square are merged
MIN_EVENTS = 10.0
#: ends of the names of a source's two variations
SIDES = ("Up", "Down")


@dataclass(frozen=True)
class Prediction:
    """Expected events per bin of one process, or of a sum of processes.

    Args:
        values: expected events, shape (bins, ...).
        variances: sum of squared weights, same shape.
        shifts: (up - nominal, down - nominal) of each systematic source, all with the same shape.
    """

    values: Floats
    variances: Floats
    shifts: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)

    @classmethod
    def from_hist(cls, h: Hist[Any], name: str = "prediction") -> Prediction:
        """Return the prediction of a template; a side that isn't stored is the mirror image of the other one."""
        values, variances = contents(h, name)
        if "variation" not in h.axes.name:
            return cls(values, variances)
        position = h.axes.name.index("variation")
        names = list(h.axes[position])
        if "nominal" not in names:
            raise HistogramError(f"{name}: the variation axis has no 'nominal', only {', '.join(names) or 'nothing'}")
        by_name = dict(zip(names, np.moveaxis(values, position, 0), strict=True))
        nominal = by_name["nominal"]
        shifts = {}
        for source in _sources(names, name):
            found = {side: by_name[f"{source}{side}"] - nominal for side in SIDES if f"{source}{side}" in by_name}
            up, down = (found[side] if side in found else -found[other] for side, other in (SIDES, SIDES[::-1]))
            shifts[source] = up, down
        return cls(nominal, np.moveaxis(variances, position, 0)[names.index("nominal")], shifts)

    def __add__(self, other: Prediction) -> Prediction:
        """Add a process; a source that only one of them has leaves the other at nominal."""
        if self.values.shape != other.values.shape:
            raise HistogramError(f"can't add {other.values.shape} bins to {self.values.shape}, the binnings differ")
        zero = np.zeros_like(self.values)
        shifts = {}
        for source in {**self.shifts, **other.shifts}:
            ours, theirs = self.shifts.get(source, (zero, zero)), other.shifts.get(source, (zero, zero))
            shifts[source] = (ours[0] + theirs[0], ours[1] + theirs[1])
        return Prediction(self.values + other.values, self.variances + other.variances, shifts)

    def scaled(self, factor: float) -> Prediction:
        """Return the prediction with the weight of every event multiplied by ``factor``."""
        shifts = {source: (factor * up, factor * down) for source, (up, down) in self.shifts.items()}
        return Prediction(factor * self.values, factor**2 * self.variances, shifts)

    def merged(self, starts: NDArray[np.intp], keep: Mask) -> Prediction:
        """Return the sums of the ``keep`` bins from each of ``starts`` up to the next one."""

        def add(array: Floats) -> Floats:
            return np.add.reduceat(array[keep], starts)

        shifts = {source: (add(up), add(down)) for source, (up, down) in self.shifts.items()}
        return Prediction(add(self.values), add(self.variances), shifts)

    @property
    def stat(self) -> Floats:
        """Statistical error of each bin."""
        return np.sqrt(self.variances)

    @property
    def syst(self) -> tuple[Floats, Floats]:
        """Systematic error of each bin, up and down: the envelope of each source, in quadrature."""
        up = down = np.zeros_like(self.values)
        for pair in self.shifts.values():
            up = np.hypot(up, np.maximum(np.maximum(*pair), 0.0))
            down = np.hypot(down, np.minimum(np.minimum(*pair), 0.0))
        return up, down

    @property
    def total(self) -> tuple[Floats, Floats]:
        """Statistical and systematic error of each bin in quadrature, up and down."""
        up, down = self.syst
        return np.hypot(self.stat, up), np.hypot(self.stat, down)

    @property
    def modes(self) -> Floats:
        """Half of the up-down difference of each source, shape (sources, bins)."""
        halves = [(up - down).ravel() / 2 for up, down in self.shifts.values()]
        return np.array(halves).reshape(len(halves), self.values.size)

    def covariance(self) -> Floats:
        """Return the covariance of the bins: MC statistics on the diagonal, one fully correlated term per source."""
        return np.diag(self.variances.ravel()) + self.modes.T @ self.modes


def _sources(names: Iterable[str], where: str) -> list[str]:
    """Return the systematic sources of the variations ``{source}Up`` and ``{source}Down``."""
    variations = [name for name in names if name != "nominal"]
    if wrong := [name for name in variations if not name.endswith(SIDES)]:
        raise HistogramError(f"{where}: names of variations end with Up or Down, unlike {', '.join(sorted(wrong))}")
    return list(dict.fromkeys(stem_of(name) for name in variations))


def contents(h: Hist[Any], name: str) -> tuple[Floats, Floats]:
    """Return the values and variances of a histogram without its flow bins."""
    values, variances = h.values(), h.variances()
    # Sums of weights that were read from a file are counts for hist, whose variances they would be.
    has_variances = bool(h.view().dtype.names) or np.array_equal(values, np.rint(values))
    if variances is None or not has_variances:
        raise HistogramError(f"{name}: the histogram has no sum of squared weights, fill it with storage='weight'")
    if not (np.isfinite(values).all() and np.isfinite(variances).all()):
        raise HistogramError(f"{name}: the histogram has contents that are not finite")
    return np.asarray(values, dtype=np.float64), np.asarray(variances, dtype=np.float64)


def garwood_interval(values: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """Return the central 68.3 % Poisson interval of each bin of data (F. Garwood, Biometrika 28 (1936) 437).

    Weighted data are treated as counts times the mean weight of their bin; an empty bin has weight 1.
    """
    weight = np.divide(variances, values, out=np.ones_like(values), where=values > 0)
    counts = values / weight
    # hist.intervals has the same, but imports scipy.stats, which takes as long as drawing a figure.
    low = np.where(counts == 0, 0.0, special.gammaincinv(counts, special.ndtr(-1)))
    return weight * low, weight * special.gammaincinv(counts + 1, special.ndtr(1))


def total_of(predictions: Iterable[Prediction]) -> Prediction:
    """Return the sum of processes, with each systematic source fully correlated between them."""
    predictions = list(predictions)
    if not predictions:
        raise HistogramError("there is no MC sample to compare with")
    return sum(predictions[1:], start=predictions[0])


@dataclass(frozen=True)
class Comparison:
    """Agreement of data and prediction: chi-square with the full covariance, and yields with their errors.

    ``ndf`` is the number of bins after merging: 0 if there are too few events, and then chi-square and p-value are NaN.
    """

    chi2: float
    ndf: int
    p_value: float
    data_yield: float
    data_error: float
    mc_yield: float
    mc_stat: float
    mc_syst: float

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the numbers for JSON, with None for undefined ones."""
        return {name: value if math.isfinite(value) else None for name, value in asdict(self).items()}


def chi2_data_mc(data: Hist[Any], mc: Mapping[str, Hist[Any]] | Prediction, *, keep: Mask | None = None) -> Comparison:
    """Return the agreement of data with the prediction in the bins to ``keep``, by default all.

    chi2 = r^T C^-1 r with r = data - MC, where C is the covariance of the prediction plus the Poisson variance of the
    data as predicted (Pearson's). Adjacent bins are merged, in the order of the flattened histogram, until each expects
    :data:`MIN_EVENTS` events from as many effective MC events (sumw^2/sumw2), because the statistic doesn't follow the
    chi-square distribution below that.
    """
    if not isinstance(mc, Prediction):
        mc = total_of(Prediction.from_hist(h, name) for name, h in mc.items())
    values, variances = contents(data, "data")
    if values.shape != mc.values.shape:
        raise HistogramError(f"data have {values.shape} bins, the prediction has {mc.values.shape}")
    keep = np.ones(values.shape, dtype=np.bool_) if keep is None else keep
    observed, squares = values[keep], variances[keep]
    starts = _merge(mc.values[keep], mc.variances[keep])
    everything = mc.merged(np.zeros(min(1, observed.size), dtype=np.intp), keep)
    chi2, p_value = math.nan, math.nan
    if starts.size:
        merged = mc.merged(starts, keep)
        counts, count_squares = np.add.reduceat(observed, starts), np.add.reduceat(squares, starts)
        # The mean weight is 1 for plain counts, but data may be weighted.
        weight = np.divide(count_squares, counts, out=np.ones_like(counts), where=counts > 0)
        covariance = merged.covariance() + np.diag(weight * merged.values)
        residuals = counts - merged.values
        chi2 = float(residuals @ linalg.solve(covariance, residuals, assume_a="pos"))
        p_value = float(special.chdtrc(starts.size, chi2))
    return Comparison(
        chi2=chi2,
        ndf=int(starts.size),
        p_value=p_value,
        data_yield=float(observed.sum()),
        data_error=math.sqrt(squares.sum()),
        mc_yield=float(everything.values.sum()),
        mc_stat=math.sqrt(everything.variances.sum()),
        mc_syst=float(np.linalg.norm(everything.modes)),
    )


def _merge(values: Floats, variances: Floats) -> NDArray[np.intp]:
    """Return the first bins of groups with enough events, for ``reduceat``; empty if all bins together have too few."""
    starts: list[int] = []
    start, total, squares = 0, 0.0, 0.0
    for index in range(values.size):
        total, squares = total + values[index], squares + variances[index]
        if total >= MIN_EVENTS and total**2 >= MIN_EVENTS * squares:
            starts.append(start)
            start, total, squares = index + 1, 0.0, 0.0
    # The bins after the last group join it, and may spoil it if their sum is negative.
    while starts and values[starts[-1] :].sum() < MIN_EVENTS:
        starts.pop()
    return np.array(starts, dtype=np.intp)
