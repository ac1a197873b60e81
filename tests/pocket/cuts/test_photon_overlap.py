from __future__ import annotations

from typing import Any

import awkward as ak
import pytest

from pocket.cuts.photon_overlap import PHASE_SPACES, get_photon_overlap
from pocket.errors import ConfigError, UnknownNameError
from tests.pocket.objects.gen import particle, to_record


def events() -> ak.Array:
    """Return a photon from a top's W, the same beside a lepton, one of a pion, a soft one, and no photon."""
    w, photon = particle(24, -1), particle(22, 0, status=1, pt=12.0, eta=1.0)
    lepton = particle(-11, 0, status=1, pt=30.0, eta=1.0, phi=0.05)
    pion = particle(111, 0)
    soft = particle(22, 0, status=1, pt=9.0)
    from_pion = particle(22, 1, status=1, pt=40.0)
    record = to_record([[w, photon], [w, photon, lepton], [w, pion, from_pion], [w, soft], [w]])
    return ak.Array({"GenPart": record})


def mask(cut: Any, sample: str) -> list[bool]:
    return list(cut.get_mask(events(), {}, year="2018", sample=sample, isMC=True).tolist())


def test_each_event_with_a_photon_belongs_to_one_sample() -> None:
    cut = get_photon_overlap(["TT"], ["TTG"], "ttgamma")
    assert mask(cut, "TT") == [False, True, True, True, True]
    assert mask(cut, "TTG") == [True, False, False, False, False]
    assert mask(cut, "QCD") == [True] * 5


def test_limits_of_ones_own() -> None:
    assert mask(get_photon_overlap(["TT"], [], "ttgamma", isolation=0.04), "TT")[:2] == [False, False]
    assert mask(get_photon_overlap(["TT"], [], "ttgamma", minpt=9.0), "TT")[3] is False
    assert mask(get_photon_overlap(["TT"], [], "ttgamma", maxeta=0.9), "TT")[0] is True
    assert get_photon_overlap(["TT"], [], minpt=1, maxeta=2, isolation=3).params["isolation"] == 3


def test_limits_of_zero_are_not_those_of_the_phase_space() -> None:
    assert mask(get_photon_overlap(["TT"], [], "ttgamma", isolation=0.0), "TT")[:2] == [False, False]
    assert mask(get_photon_overlap(["TT"], [], "ttgamma", minpt=0.0), "TT")[3] is False
    assert get_photon_overlap(["TT"], [], "ttgamma", maxeta=0.0).params["maxeta"] == 0


def test_data_have_no_generated_particles() -> None:
    cut = get_photon_overlap(["DY"], ["ZG"], "zgamma")
    data = ak.Array({"run": [1, 2]})
    assert cut.get_mask(data, {}, year="2018", sample="DATA", isMC=False).tolist() == [True, True]
    assert set(PHASE_SPACES) == {"ttgamma", "tgamma", "wgamma", "zgamma"}


def test_mistakes() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ttgamma'"):
        get_photon_overlap(["TT"], [], "ttgama")
    with pytest.raises(ConfigError, match="needs maxeta, isolation, or a phase_space"):
        get_photon_overlap(["TT"], [], minpt=10)
    with pytest.raises(ConfigError, match="sample 'TT' is both inclusive and with a photon"):
        get_photon_overlap(["TT"], ["TT"], "ttgamma")
    with pytest.raises(ConfigError, match="must be lists of samples"):
        get_photon_overlap("TT", [], "ttgamma")
    with pytest.raises(ConfigError, match="must be lists of samples"):
        get_photon_overlap([], [], "ttgamma")
