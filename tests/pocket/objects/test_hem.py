"""Events and objects of 2018 in the modules that lost power."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from pocket.cuts import get_HEM_veto
from pocket.errors import ConfigError
from pocket.objects import affected_by_hem, event_share, in_hem

MASK = (1 << 64) - 1


def mixed(number: int) -> int:
    """Return the output of SplitMix64 for a state, in Python's integers."""
    number = (number + 0x9E3779B97F4A7C15) & MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & MASK
    return number ^ (number >> 31)


def test_first_number_of_the_generator() -> None:
    # of the reference implementation, https://prng.di.unimi.it/splitmix64.c, with the seed 0
    assert mixed(0) == 0xE220A8397B1DCDAF


def test_share_against_integers_of_any_size() -> None:
    rng = np.random.default_rng(2)
    n = 10_000
    runs, sections, numbers = rng.integers(1, 400000, n), rng.integers(1, 5000, n), rng.integers(1, 1 << 62, n)
    events = ak.zip({"run": runs.astype(np.uint32), "luminosityBlock": sections.astype(np.uint32), "event": numbers})
    expected = []
    for run, section, number in zip(runs.tolist(), sections.tolist(), numbers.tolist(), strict=True):
        state = mixed((mixed((mixed(run) + section) & MASK) + number) & MASK)
        expected.append((state >> 11) / 2**53)
    found = event_share(events)
    assert found.tolist() == expected
    # uniform, also for events that follow each other
    following = ak.zip({"run": [1] * n, "luminosityBlock": [1] * n, "event": np.arange(n)})
    for share in (found, event_share(following)):
        counts, _ = np.histogram(share, bins=20, range=(0, 1))
        assert ((counts - n / 20) ** 2 / (n / 20)).sum() < 45
    assert affected_by_hem(events, is_mc=True).tolist() == [share < 0.6475 for share in expected]


def test_region_and_runs() -> None:
    eta = np.array([-3.3, -3.2, -2.0, -1.3, -1.2, -2.0, -2.0, -2.0, -2.0])
    phi = np.array([-1.0, -1.0, -1.0, -1.0, -1.0, -1.6, -1.57, -0.87, -0.8])
    assert in_hem(eta, phi).tolist() == [False, True, True, True, False, False, True, True, False]
    runs = [315252, 319076, 319077, 325172]
    data = ak.zip({"run": runs, "luminosityBlock": [1] * 4, "event": [1, 2, 3, 4]})
    assert affected_by_hem(data, is_mc=False).tolist() == [False, False, True, True]


@pytest.mark.parametrize("is_mc", [True, False])
def test_cut(is_mc: bool) -> None:
    inside, outside = {"pt": 40.0, "eta": -2.0, "phi": -1.0}, {"pt": 40.0, "eta": 2.0, "phi": -1.0}
    soft = {**inside, "pt": 30.0}
    events = ak.Array(
        {
            "run": [319077, 319077, 319077, 319077, 319076],
            "luminosityBlock": [1] * 5,
            "event": [1, 2, 3, 4, 5],
            "Jet": [[outside, inside], [outside], [soft], [], [inside]],
            "Electron": [[], [], [], [inside], []],
        }
    )

    def kept(year: str = "2018", **options: object) -> list[bool]:
        cut = get_HEM_veto(fraction=1.0, **options)  # type: ignore[arg-type]
        return cut.get_mask(events, {}, year=year, isMC=is_mc).tolist()  # type: ignore[no-any-return]

    # simulation has no runs in which all is well
    assert kept() == [False, True, True, True, not is_mc]
    assert kept(coll=["Jet", "Electron"]) == [False, True, True, False, not is_mc]
    assert kept(minpt=20.0) == [False, True, False, True, not is_mc]
    assert kept("2017") == [True] * 5
    none = get_HEM_veto(fraction=0.0).get_mask(events, {}, year="2018", isMC=True)
    assert none.all()
    with pytest.raises(ConfigError, match="cut 'HEM_veto': fraction is 64, expected a number from 0 to 1"):
        get_HEM_veto(fraction=64)
