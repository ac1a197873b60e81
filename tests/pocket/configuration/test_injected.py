from __future__ import annotations

from pathlib import Path

import pytest

from pocket.base.fingerprint import digest
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.configuration.skim import Skim
from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors import Closure
from pocket.weights.scale_factor import InjectedWeight
from tests.pocket.scale_factors.validation.probe_events import World, declare


def derived(folder: Path, **changes: object) -> Analysis:
    analysis = World(folder).analysis(declare())
    configs = {name: config for name, config in analysis.configs.items() if name != "closure_injected"}
    settings = {"name": "probes", "configs": configs, "scale_factors": analysis.scale_factors, "default_config": "tnp"}
    return Analysis(**{**settings, **changes})  # type: ignore[arg-type]


def _with_factors(folder: Path) -> list[Configurator]:
    """Return the derived configuration with the usual factors once more, and with others."""
    closure = {"remeasured": {"input": "closure"}, "events": True}
    declarations = [declare(), declare(closure=Closure(**closure, injected=(0.9,)))]
    return [World(folder).analysis(one).config("closure_injected") for one in declarations]


def test_only_the_weight_of_probes_differs(tmp_path: Path) -> None:
    analysis = derived(tmp_path, skims={"closure": Skim("tnp")})
    assert list(analysis.configs) == ["tnp", "closure", "all", "closure_injected"]
    base, config = analysis.config("closure"), analysis.config("closure_injected")
    assert config.scale_factors == base.scale_factors == ("id",)
    assert {name for name, cls in base.weights.classes.items() if config.weights.classes[name] is not cls} == {
        "sf_probes"
    }
    weight = config.weights.classes["sf_probes"]
    assert issubclass(weight, InjectedWeight)
    assert weight.factors == (0.94, 0.97, 1.0)
    assert (list(config.variables), list(config.samples)) == (["probes"], ["DATA", "DY"])
    assert analysis.skims["closure_injected"] == analysis.skims["closure"]
    digests = {digest(one.plan().spec()) for one in (base, config, *_with_factors(tmp_path))}
    assert len(digests) == 3
    # The configuration that it is derived from stays as it was.
    assert (list(base.variables), base.columns["DY"]) == (["probes", "masses"], {"pairs": ()})


def test_two_scale_factors_need_configurations_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"configuration 'closure_injected' exists already, remeasure it in another than 'closure'"
    ):
        derived(tmp_path, configs=World(tmp_path).analysis(declare()).configs)


def test_unknown_names_are_those_of_the_other_place(tmp_path: Path) -> None:
    closure = Closure(remeasured={"input": "closure", "category": "pair"}, events=True)
    with pytest.raises(UnknownNameError, match="unknown category 'pair' in remeasured of the closure"):
        World(tmp_path).analysis(declare(closure=closure))
