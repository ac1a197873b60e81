"""Smoothing of varied templates, by their ratio to the nominal one and at the same yield.

``353QH`` are running medians of 3, 5 and 3 bins, quadratic interpolation of flat segments and running means (Hanning),
applied again to the residuals, as ROOT's ``TH1::SmoothArray`` does it (J. H. Friedman, CERN 74-23, p. 271; with the
treatment of the ends of ROOT). It removes single bins that stick out, and leaves broad structures.

``lowess`` fits a straight line to the ratio around each bin, with weights that fall with the distance to zero at the
farthest of half of the bins, rounded up, and at least three (tricube), times effective events (W. S. Cleveland, J. Am.
Stat. Assoc. 74 (1979) 829). It keeps a linear ratio as it is, and suits fluctuations in all bins of few simulated
events.
"""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats

#: share of the bins that a line of LOWESS is fitted to
SPAN = 0.5


def smooth(values: Floats, nominal: Floats, variances: Floats, method: str) -> Floats:
    """Return a varied template with a smooth ratio to nominal, and the same yield; bins that nominal has empty stay.

    With less than three bins that have content it is the template as it is. The variances are those of nominal.
    """
    filled = nominal > 0
    if filled.sum() < 3:
        return values.copy()
    ratio = values[filled] / nominal[filled]
    if method == "353QH":
        ratio = smooth_353qh(ratio)
    else:
        events = np.divide(nominal**2, variances, out=nominal.copy(), where=variances > 0)[filled]
        ratio = np.maximum(smooth_lowess(ratio, events), 0)
    result = values.copy()
    result[filled] = ratio * nominal[filled]
    total = result[filled].sum()
    if total > 0:
        result[filled] *= values[filled].sum() / total
    return result


def smooth_353qh(values: Floats) -> Floats:
    """Return values of at least three bins smoothed as ROOT's ``TH1::SmoothArray`` does it once.

    None of the result is negative if none of these is.
    """
    rough = _smooth_once(values)
    result = rough + _smooth_once(values - rough)
    return result if values.min() < 0 else np.maximum(result, 0)


def _smooth_once(values: Floats) -> Floats:
    z = values.astype(float)
    y = z.copy()
    z[1:-1] = _running_median(y, 3)
    z[0] = np.median([z[1], z[0], 3 * z[1] - 2 * z[2]])
    z[-1] = np.median([z[-2], z[-1], 3 * z[-2] - 2 * z[-3]])
    y = z.copy()
    if len(z) > 4:
        z[2:-2] = _running_median(y, 5)
    z[1], z[-2] = np.median(y[:3]), np.median(y[-3:])
    z[1:-1] = _running_median(z.copy(), 3)
    y = z.copy()
    for i in range(2, len(z) - 2):
        before, after = z[i - 2] - z[i], z[i + 2] - z[i]
        if z[i - 1] != z[i] or z[i] != z[i + 1] or before * after <= 0:
            continue
        step = -1 if abs(after) > abs(before) else 1
        y[i] = -0.5 * z[i - 2 * step] + z[i] / 0.75 + z[i + 2 * step] / 6
        y[i + step] = 0.5 * (z[i + 2 * step] - z[i - 2 * step]) + z[i]
    z = y.copy()
    z[1:-1] = 0.25 * y[:-2] + 0.5 * y[1:-1] + 0.25 * y[2:]
    return z


def _running_median(values: Floats, width: int) -> Floats:
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=-1))


def smooth_lowess(values: Floats, events: Floats, span: float = SPAN) -> Floats:
    """Return values on the lines that are fitted around each of them, with weights of effective events."""
    x = np.arange(len(values), dtype=float)
    nearest = min(len(x), max(3, int(np.ceil(span * len(x)))))
    result = np.empty(len(x))
    for i, here in enumerate(x):
        distance = np.abs(x - here)
        # The farthest bin of the span still counts a little, so that three bins define a line.
        reach = np.sort(distance)[nearest - 1] * (1 + 1e-6) + 0.5
        weights = np.clip(1 - (distance / reach) ** 3, 0, None) ** 3 * events
        total = weights.sum()
        if total <= 0:
            result[i] = values[i]
            continue
        mean_x, mean = weights @ x / total, weights @ values / total
        spread = weights @ (x - mean_x) ** 2
        slope = weights @ ((x - mean_x) * (values - mean)) / spread if spread > 0 else 0.0
        result[i] = mean + slope * (here - mean_x)
    return result
