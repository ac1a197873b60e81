from __future__ import annotations

from typing import Any

import pytest

from pocket.base.fingerprint import fingerprint
from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors import Imported
from pocket.scale_factors.declarations.imported import signed
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.entries import check_each
from tests.pocket.configs import configure
from tests.pocket.configuration.test_analysis import PROBES, analysis, config, scale_factor

KEYS = {"nominal": "sf", "up": "systup", "down": "systdown"}
STAT = {"stat_up": "+stat", "stat_down": "-stat"}


def imported(**changes: Any) -> Imported:
    settings = {"file": "corrections://muon.json", "correction": "id", "systematic": "kind", "keys": KEYS}
    return Imported(**settings | changes)


def test_systematics_are_known_before() -> None:
    assert imported(keys=KEYS | STAT).systematics_written() == ("nominal", "up", "down", "stat_up", "stat_down")
    assert imported(systematic="", keys={}).systematics_written() == ("nominal",)
    assert imported(keys={"nominal": "sf"}).systematics_written() == ("nominal",)


def test_signs() -> None:
    assert [signed(value) for value in ("sf", "+stat", "-stat", "")] == [(0, "sf"), (1, "stat"), (-1, "stat"), (0, "")]


def test_everything_declared_decides_the_output() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"file": "corrections://electron.json"},
        {"correction": "iso"},
        {"inputs": {"year": "2018"}},
        {"inputs": {"year": 2018}},
        {"rename": {"eta": "abseta"}},
        {"keys": KEYS | STAT},
        {"description": "Tight muons"},
    ]
    assert len({fingerprint(imported(**one)) for one in changes}) == len(changes)


@check_each(
    ("changes", "message"),
    [
        ({"file": ""}, "file is empty"),
        ({"correction": ""}, "correction is empty"),
        ({"inputs": {"year": True}}, "input 'year' must be a string or a number, not True"),
        ({"inputs": {"year": None}}, "input 'year' must be a string or a number, not None"),
        ({"inputs": {"kind": "sf"}}, "input 'kind' has a value in inputs, it can't be anything else"),
        ({"inputs": {"eta": 1.0}, "rename": {"eta": "abseta"}}, "input 'eta' has a value in inputs"),
        ({"rename": {"kind": "systematics"}}, "input 'kind' is systematic, it can't be renamed"),
        ({"rename": {"eta": "systematic"}}, "rename can't call an input 'systematic'"),
        ({"rename": {"eta": ""}}, "rename can't call an input ''"),
        ({"rename": {"eta": "x", "pt": "x"}}, "rename can't call an input 'x', or two of them"),
        ({"keys": {}}, "systematic is the input that keys are values of; give both, or neither of them"),
        ({"systematic": ""}, "systematic is the input that keys are values of; give both, or neither of them"),
        ({"keys": {"up": "u", "down": "d"}}, "keys needs the value of 'kind' for 'nominal', without a sign"),
        ({"keys": {"nominal": "+sf"}}, "keys needs the value of 'kind' for 'nominal', without a sign"),
        ({"keys": KEYS | {"statUp": "stat"}}, "keys has 'statUp', expected nominal, up, down, or a source as in"),
        ({"keys": KEYS | {"stat_up": "+", "stat_down": "-stat"}}, "keys has no value of 'kind' for 'stat_up'"),
        ({"keys": KEYS | {"stat_up": "+stat"}}, "keys needs 'stat_up' and 'stat_down', which differ"),
        ({"keys": {"nominal": "sf", "down": "d"}}, "keys needs 'up' and 'down', which differ"),
        ({"keys": KEYS | {"stat_up": "stat", "stat_down": "stat"}}, "keys needs 'stat_up' and 'stat_down', which"),
        ({"keys": KEYS | {"up": "sf"}}, "keys needs 'up' and 'down', which differ from each other and from 'nominal'"),
    ],
)
def test_what_it_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        imported(**changes)
    assert str(error.value).startswith(f"Imported correction {changes.get('correction', 'id')!r}: {message}")


def test_it_waits_for_nothing() -> None:
    factors = {"id": imported()}
    found = analysis({"tnp": config(), "main": config("id")}, scale_factors=factors)
    assert found.upstream_scale_factors("main") == ("id",)
    assert found.scale_factor("id").configs() == ()


def test_configuration_that_a_scale_factor_is_drawn_as() -> None:
    factors = {"id": imported()}
    configs = {"tnp": config(), "main": config("id", "iso")}
    found = analysis(configs, scale_factors={**factors, "iso": scale_factor("tnp"), "idle": factors["id"]})
    assert {name: found.drawn_as(name) for name in found.scale_factors} == {"id": "main", "iso": "tnp", "idle": "tnp"}


def test_variations_that_an_imported_scale_factor_does_not_have() -> None:
    nominal = {"id": imported(systematic="", keys={})}
    message = (
        "systematic 'up' in scale factor 'id', which weight 'sf_id' of configuration 'main' varies; known: nominal"
    )
    with pytest.raises(UnknownNameError, match=message):
        analysis({"tnp": config(), "main": config("id")}, scale_factors=nominal)
    weight = ScaleFactorWeight.wrap("sf_id", "id", "Muon", has_variations=False)
    applied = configure(variables={"probes": PROBES}, weights={"common": {"inclusive": [weight]}})
    assert analysis({"tnp": applied}, scale_factors=nominal)
