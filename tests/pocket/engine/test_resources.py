from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from pocket.engine.resources import Resources, resolve_parameters
from pocket.errors import ConfigError
from pocket.parameters.locations import register_configuration_dir
from tests.pocket.configs import PARAMETERS, configure

FILES = {
    "pileup": {"toys": {"file": "toys://puWeights.json.gz", "name": "PU"}},
    "lists": [{"file": "toys://a/b.json"}, "toys", 3, None, True],
    "low": "${limits.x}",
    "plotting_style": {"colour": "${no.such}"},
    "toys": {"seed": 1},
}


def test_toy_files_become_paths() -> None:
    config = configure(parameters=OmegaConf.merge(PARAMETERS, FILES), parameters_read=["*"])
    params = resolve_parameters(config.plan(), Resources("/store/toys", {"muon_id": "/store/muon_id.json"}))
    assert params.pileup.toys.file == "/store/toys/puWeights.json.gz"
    assert params.lists == [{"file": "/store/toys/a/b.json"}, "toys", 3, None, True]
    assert params.scale_factors.muon_id == "/store/muon_id.json"
    assert params.low == 1.0
    # Sections that only plots and toys read are left out.
    assert not {"plotting_style", "toys"} & set(params)
    # the configuration stays as it is
    assert config.parameters.pileup.toys.file == "toys://puWeights.json.gz"


def test_files_by_name() -> None:
    names = ("toys://muon_Z.json.gz", "corrections://POG/pu.json.gz", "/some/file.json")
    assert [Resources("/store/toys").find(name) for name in names] == ["/store/toys/muon_Z.json.gz", *names[1:]]
    assert [Resources().find(name) for name in names] == list(names)


def test_without_toys_the_names_stay() -> None:
    config = configure(parameters=OmegaConf.merge(PARAMETERS, FILES), parameters_read=["*"])
    params = resolve_parameters(config.plan(), Resources())
    assert params.pileup.toys.file == "toys://puWeights.json.gz"
    assert params.scale_factors == {}


def test_files_of_registered_directories_become_paths() -> None:
    register_configuration_dir("test_resources", "/analysis/params")
    files = {"model": "${test_resources:model.onnx}", "pileup": {"2018": {"file": "corrections://POG/pu.json.gz"}}}
    config = configure(parameters=OmegaConf.merge(PARAMETERS, files), parameters_read=["*"])
    params = resolve_parameters(config.plan(), Resources())
    assert params.model == "/analysis/params/model.onnx"
    # public files are looked up by who opens them
    assert params.pileup["2018"].file == "corrections://POG/pu.json.gz"
    # which doesn't enter the fingerprint
    assert config.plan().spec()["parameters"]["model"] == "test_resources://model.onnx"


def test_parameters_cannot_be_changed_while_events_are_processed() -> None:
    params = resolve_parameters(configure(parameters_read=["limits"]).plan(), Resources())
    with pytest.raises(ConfigError, match=r"changes limits\.x, but parameters are read-only"):
        params.limits.x = 2.0


def test_what_was_resolved_before_is_never_stale() -> None:
    config = configure(parameters=OmegaConf.merge(PARAMETERS, {"bins": {1: "first"}}), parameters_read=["*"])
    first = resolve_parameters(config.plan(), Resources())
    assert resolve_parameters(config.plan(), Resources()) == first
    assert resolve_parameters(config.plan(), Resources(scale_factors={"id": "/id.json"})).scale_factors.id == "/id.json"
    config.parameters.limits.x = 7.0
    assert resolve_parameters(config.plan(), Resources()).limits.x == 7.0
    assert first.limits.x == 1.0
    # keys keep their types
    assert first.bins[1] == "first"


def test_unresolved_interpolation() -> None:
    config = configure(parameters=OmegaConf.merge(PARAMETERS, {"a": {"b": "${no.such}"}}))
    with pytest.raises(ConfigError, match=r"parameter a\.b: Interpolation key 'no\.such' not found"):
        resolve_parameters(config.plan(), Resources())


def test_files_that_no_step_of_the_chain_made() -> None:
    files = {"corrections://a.json": "/cvmfs/a.json", "/s/toys/pu.json": "/s/toys/pu.json", "/s/id.json": "/s/id.json"}
    assert Resources("/s/toys", {"muon_id": "/s/id.json"}).not_made(files) == {"corrections://a.json": "/cvmfs/a.json"}
    assert Resources().not_made(files) == files
