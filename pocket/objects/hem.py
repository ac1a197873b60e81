"""Events and jets of 2018 that are affected by the two modules of the hadron calorimeter that lost power (HEM 15/16).

From run 319077 on, the energy of jets with eta from -3.2 to -1.3 and phi from -1.57 to -0.87 is too small. Sources:
JetMET, https://hypernews.cern.ch/HyperNews/CMS/get/JetMET/2000.html and
https://twiki.cern.ch/twiki/bin/view/CMS/SUSRecommendationsRun2Legacy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: The first run that is affected.
FIRST_RUN = 319077
#: Share of the luminosity of 2018 in the affected runs, of eras C and D: 38.56 of 59.56 /fb, see params/eras/2018.yaml.
FRACTION = 0.6475
#: Lower and upper edge of the region in eta and phi.
ETA, PHI = (-3.2, -1.3), (-1.57, -0.87)

Mask = npt.NDArray[np.bool_]


def in_hem(eta: Any, phi: Any, eta_range: tuple[float, float] = ETA) -> Any:
    """Return the mask of objects in the affected region, whose edges belong to it.

    Args:
        eta: pseudorapidities, flat or jagged.
        phi: azimuths, the same shape.
        eta_range: edges in eta.

    Examples:
        >>> import numpy as np
        >>> in_hem(np.array([-2.0, -2.0, 2.0]), np.array([-1.0, 1.0, -1.0])).tolist()
        [True, False, False]
    """
    return (eta >= eta_range[0]) & (eta <= eta_range[1]) & (phi >= PHI[0]) & (phi <= PHI[1])


def affected_by_hem(events: Any, is_mc: bool, fraction: float = FRACTION) -> Mask:
    """Return the mask of events that count as taken while the modules had no power.

    These are events of data from run 319077 on, and of simulation a share of the events, which is chosen by a hash of
    run, luminosity section and event. So a cut and a shift of the energy agree about the events, and the choice depends
    on nothing else.

    Args:
        events: events with run, luminosityBlock and event.
        is_mc: whether they are simulation.
        fraction: the share of simulation, by default the affected luminosity's.

    Returns:
        Shape (n events,).

    Examples:
        >>> import awkward as ak
        >>> data = ak.Array({"run": [319076, 319077], "luminosityBlock": [1, 1], "event": [7, 8]})
        >>> affected_by_hem(data, is_mc=False).tolist()
        [False, True]
    """
    if not is_mc:
        return np.asarray(np.asarray(events["run"]) >= FIRST_RUN, dtype=np.bool_)
    return np.asarray(event_share(events) < fraction, dtype=np.bool_)


def event_share(events: Any) -> npt.NDArray[np.float64]:
    """Return a number from 0 to 1 for each event, uniform, from a hash of run, luminosity section and event.

    The hash is the mixing function of SplitMix64 (https://doi.org/10.1145/2714064.2660195), which is applied after each
    of the three numbers.

    Args:
        events: events with run, luminosityBlock and event.

    Examples:
        >>> import awkward as ak
        >>> events = ak.Array({"run": [1, 1], "luminosityBlock": [1, 1], "event": [7, 8]})
        >>> event_share(events).round(3).tolist()
        [0.926, 0.916]
    """
    state = np.zeros(len(events), dtype=np.uint64)
    for name in ("run", "luminosityBlock", "event"):
        state = _mixed(state + np.asarray(events[name]).astype(np.uint64))
    # The upper 53 bits are as many as a double has.
    return np.asarray((state >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def _mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
