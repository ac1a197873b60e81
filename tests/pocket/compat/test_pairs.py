from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from pocket.compat.pairs import get_dijet, get_dilepton
from pocket.errors import ConfigError
from pocket.objects.pairs import get_diboson


def objects(*pts: list[float], **fields: float) -> ak.Array:
    """Return objects with these pts in each event, back to back in pairs."""
    pt = ak.Array([[float(value) for value in one] for one in pts])
    phi = 3.0 * (ak.local_index(pt) % 2)
    values = {"eta": 0.5, "mass": 0.1, "charge": 1.0, **fields}
    zeros = ak.zeros_like(pt)
    return ak.zip({"pt": pt, "phi": phi, **{name: zeros + value for name, value in values.items()}})


def test_leptons_of_events_with_exactly_two() -> None:
    muons = objects([20.0], [20.0], [20.0], [30.0, 25.0], [30.0])
    electrons = objects([40.0], [], [40.0, 35.0], [], [10.0], charge=-1.0)
    pair = get_dilepton(electrons, muons)
    # The muon is the first, whatever its pt.
    assert pair.l1pt.to_list() == [20, -1, -1, 30, 30]
    assert pair.l2pt.to_list() == [40, -1, -1, 25, 10]
    assert pair.charge.to_list() == [0, 0, 0, 2, 0]
    assert [value > 0 for value in pair.mass.to_list()] == [True, False, False, True, True]
    assert pair.deltaR.to_list()[1] == -1
    assert get_dilepton(electrons, muons, transverse=True).eta.to_list() == [0] * 5
    assert get_dilepton(None, objects([3.0, 2.0, 1.0], [2.0, 1.0])).l1pt.to_list() == [-1, 2]
    sums = get_diboson(pair, ak.zip({"pt": [10.0] * 5, "phi": [0.0] * 5}))
    assert sums.pt.to_list()[1] == pytest.approx(10)
    assert pair.delta_r(pair).to_list() == [0] * 5
    with pytest.raises(ConfigError, match="needs electrons, muons or both"):
        get_dilepton(None, None)


def test_angles_on_both_sides_of_pi() -> None:
    muons = objects([20.0, 10.0])
    muons = ak.with_field(muons, muons.phi * 2 - 3.0, "phi")
    muons = ak.with_field(muons, muons.eta * (1 + ak.local_index(muons.pt)), "eta")
    pair = get_dilepton(None, muons)
    turn = 2 * np.pi - 6
    assert pair.deltaPhi.to_list() == pytest.approx([turn])
    assert pair.deltaR.to_list() == pytest.approx([np.hypot(turn, 0.5)])


def test_momenta_are_added_in_the_precision_of_the_objects() -> None:
    def pairs(dtype: type) -> ak.Array:
        columns = {
            "pt": [93.13079071044922, 151.6833038330078],
            "eta": [1.982346534729004, 2.224426507949829],
            "phi": [-0.165082186460495, -0.6336593627929688],
            "mass": [0.10565836727619171, 0.10565836727619171],
            "charge": [1.0, -1.0],
        }
        return ak.zip({name: ak.Array(np.array([values], dtype)) for name, values in columns.items()})

    # The numbers of PocketCoffea's head for these muons, whose mass is 62.26767 GeV in double precision.
    expected = {
        "pt": 238.5133514404297,
        "eta": 2.164283514022827,
        "phi": -0.4563923180103302,
        "mass": 62.265560150146484,
        "deltaR": 0.5274156928062439,
        "deltaPhi": 0.46857717633247375,
    }
    muons = pairs(np.float32)
    for pair in (get_dilepton(None, muons), get_dijet(muons, taggerVars=False)):
        assert {name: pair[name].to_list()[0] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert get_dilepton(None, pairs(np.float64)).mass.to_list() == pytest.approx([62.267668360842144], rel=1e-9)


def test_jets_of_events_with_two_or_more() -> None:
    jets = objects([50.0], [50.0, 40.0, 30.0])
    pair, remnant = get_dijet(jets, taggerVars=False, remnant_jet=True)
    assert (pair.j1pt.to_list(), pair.j2Phi.to_list()) == ([-1, 50], [-1, 3])
    assert (pair.pt.to_list()[0], pair.mass.to_list()[0], pair.deltaEta.to_list()[0]) == (0, 0, -1)
    assert remnant.pt.to_list() == [0, 30]
    assert get_dijet(jets, taggerVars=False).fields == pair.fields
    with pytest.raises(ConfigError, match=r"name the tagger in jet_selection\(jet_tagger=…\)"):
        get_dijet(jets, taggerVars="PNet")
