from __future__ import annotations

from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.access import limit, parameter

PARAMS = OmegaConf.create({"event_flags": {"2017": ["a"], "2018": ["b"]}})


def test_parameter() -> None:
    assert parameter(PARAMS, "event_flags", "2018") == ["b"]
    assert parameter({"x": {"y": 1}}, "x", "y") == 1
    with pytest.raises(
        UnknownNameError, match=r"^unknown parameter '2016' in event_flags, did you mean '2018' or '2017'\?$"
    ):
        parameter(PARAMS, "event_flags", "2016")
    with pytest.raises(UnknownNameError, match=r"'event_flag' in the parameters, did you mean 'event_flags'\?"):
        parameter(PARAMS, "event_flag", "2018")


def test_parameters_may_be_attributes() -> None:
    params = SimpleNamespace(object_preselection={"Muon": {"pt": 10.0}})
    assert limit(params, "object_preselection", "Muon", "pt") == 10
    with pytest.raises(UnknownNameError, match="'object_selection' in the parameters, did you mean 'object_preselec"):
        parameter(params, "object_selection")


def test_parameters_that_may_change_are_looked_up_anew() -> None:
    params = OmegaConf.create({"muon": {"pt": 1.0, "same": "${muon.pt}"}})
    assert parameter(params, "muon", "same") == 1.0
    params.muon.pt = 2.0
    assert parameter(params, "muon", "same") == 2.0
    OmegaConf.set_readonly(params, True)
    assert parameter(params, "muon", "same") == 2.0
    assert parameter(params, "muon") is parameter(params, "muon")
    with pytest.raises(UnknownNameError):
        parameter(params, "muon", "eta")
    # many others in between
    for number in range(200):
        other = OmegaConf.create({"muon": {"pt": number}})
        OmegaConf.set_readonly(other, True)
        assert parameter(other, "muon", "pt") == number
    assert parameter(params, "muon", "pt") == 2.0


def test_limits_are_numbers() -> None:
    params = OmegaConf.create({"Muon": {"pt": 25, "iso": {"type": "pfIsoId", "working_point": 2}, "eta": [2.4, 2.1]}})
    assert limit(params, "Muon", "pt") == 25
    with pytest.raises(ConfigError, match=r"^Muon\.iso is .*pfIsoId.*, expected a number$"):
        limit(params, "Muon", "iso")
    with pytest.raises(ConfigError, match=r"^Muon\.eta is \[2\.4, 2\.1\], expected a number$"):
        limit(params, "Muon", "eta")
