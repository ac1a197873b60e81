"""Metrics of a table of all pairs of two collections, for ``objects.metric_table(others, metric=metric_eta)``.

The names are PocketCoffea's.

>>> import awkward as ak
>>> muons = ak.Array([{"pt": 30.0, "eta": 1.0, "phi": 3.0}])
>>> jets = ak.Array([{"pt": 25.0, "eta": -1.0, "phi": -3.0}])
>>> metric_eta(muons, jets).tolist()
[2.0]
>>> round(float(metric_phi(muons, jets)[0]), 3)
0.283
"""

from __future__ import annotations

from typing import Any

import numpy as np


def metric_pt(first: Any, second: Any) -> Any:
    """Return the absolute difference of the transverse momenta in GeV.

    Examples:
        >>> import awkward as ak
        >>> metric_pt(ak.Array([{"pt": 30.0}]), ak.Array([{"pt": 25.0}])).tolist()
        [5.0]
    """
    return abs(first.pt - second.pt)


def metric_eta(first: Any, second: Any) -> Any:
    """Return the absolute difference of the pseudorapidities.

    Examples:
        >>> import awkward as ak
        >>> metric_eta(ak.Array([{"eta": 1.0}]), ak.Array([{"eta": -1.0}])).tolist()
        [2.0]
    """
    return abs(first.eta - second.eta)


def delta_phi(first: Any, second: Any) -> Any:
    """Return the difference of azimuthal angles in radians, from -π up to π.

    Examples:
        >>> round(delta_phi(3.0, -3.0), 3)
        -0.283
    """
    return (first - second + np.pi) % (2 * np.pi) - np.pi


def metric_phi(first: Any, second: Any) -> Any:
    """Return the absolute difference of the azimuthal angles in radians, up to π.

    Examples:
        >>> import awkward as ak
        >>> metric_phi(ak.Array([{"phi": 3.0}]), ak.Array([{"phi": 2.5}])).tolist()
        [0.5]
    """
    return abs(delta_phi(first.phi, second.phi))
