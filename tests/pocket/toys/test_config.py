from __future__ import annotations

import dataclasses

import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.toys.config import SIMULATED, ToyConfig
from tests.pocket.toys.conftest import TOYS


def test_shipped_parameters_are_the_law(config):
    assert config.luminosity == 80.0
    assert [config.process(name).xsec for name in SIMULATED] == [2025.74, 365.34, 1000.0]
    assert [config.process(name).events for name in SIMULATED] == [360_000, 40_000, 100_000]
    assert config.processes.dy.negative_weights == 0.10
    assert (config.truth.trigger.mc.threshold, config.truth.trigger.data.threshold) == (26.0, 26.5)
    assert config.truth.pt_ll_slope == 0.4
    assert config.data.runs[0].certified == ((1, 88), (91, 92))


def test_plain_and_omegaconf_parameters_give_the_same(config, parameters):
    assert ToyConfig.from_params(parameters) == config
    assert ToyConfig.from_params(OmegaConf.load(TOYS).toys) == config


def test_configuration_is_frozen(config):
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1


def test_unknown_key_names_file_and_nearest(parameters):
    parameters["truth"]["trigger"]["mc"]["treshold"] = 25.0
    with pytest.raises(UnknownNameError, match=r"params/toys\.yaml.*toys\.truth\.trigger\.mc\.threshold"):
        ToyConfig.from_params(parameters)


def test_missing_key_names_file_and_path(parameters):
    del parameters["processes"]["dy"]["boson"]["mass"]
    with pytest.raises(ConfigError, match=r"params/toys\.yaml: toys\.processes\.dy\.boson\.mass is missing"):
        ToyConfig.from_params(parameters)


def test_unknown_process(config):
    with pytest.raises(UnknownNameError, match="wjets"):
        config.process("wjet")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("events_per_file", 0, "events_per_file is 0"),
        ("processes.dy.events", -1, "events is -1"),
        ("processes.dy.negative_weights", 0.5, "negative_weights must be below 0.5"),
        ("data.runs", [{"number": 1, "certified": [[1, 2]], "uncertified": []}], "no uncertified luminosity section"),
    ],
)
def test_impossible_values(parameters, path, value, message):
    *sections, key = path.split(".")
    section = parameters
    for name in sections:
        section = section[name]
    section[key] = value
    with pytest.raises(ConfigError, match=message):
        ToyConfig.from_params(parameters)
