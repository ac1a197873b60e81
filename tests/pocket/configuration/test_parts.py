from __future__ import annotations

import copy
from typing import Any

import pytest

from pocket.base.fingerprint import fingerprint
from pocket.configuration.configurator import Configurator
from pocket.configuration.loading import load_analysis
from pocket.configuration.parts import part_of
from pocket.cuts.categories import StandardSelection
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.readings import Reading

DATA, DY = "DATA_SingleMuon", "DYJetsToMuMu"
READING = Reading("trigger_eff", "trigger_probes", ("pairs", "jets"), (DATA, DY))


def trigger_eff() -> Configurator:
    return copy.copy(load_analysis("zmumu").config("trigger_eff"))


def spec(cfg: Configurator, reading: Reading = READING) -> str:
    return fingerprint(part_of(cfg, [reading]).declared().spec())


def test_it_has_what_is_read_and_no_more() -> None:
    part = part_of(trigger_eff(), [READING])
    assert list(part.variables) == ["trigger_probes"]
    assert set(part.categories.names) == {"pairs", "jets"}
    assert set(part.samples) == {DATA, DY}
    assert not any(any(of.variations.values()) for of in part.weights.samples.values())
    assert part.scale_factors == ("muon_id",)
    varied = part_of(trigger_eff(), [Reading("", "trigger_probes", ("pairs",), (DY,), ("pileup",))])
    assert varied.weights.samples[DY].variations == {"pairs": ("pileup",)}


def another_histogram(cfg: Configurator) -> None:
    cfg.variables = {**cfg.variables, "more": HistConf([Axis(coll="TagProbe", field="mass", bins=3, start=0, stop=1)])}


def another_category(cfg: Configurator) -> None:
    cuts = cfg.categories.categories
    cfg.categories = StandardSelection({"more": cuts["jets"], **cuts})


def another_order(cfg: Configurator) -> None:
    cfg.categories = StandardSelection(dict(reversed(cfg.categories.categories.items())))


def other_bins(cfg: Configurator) -> None:
    (axis, *_) = cfg.variables["trigger_probes"].axes
    cfg.variables = {**cfg.variables, "trigger_probes": HistConf([axis])}


def another_cut(cfg: Configurator) -> None:
    cuts = cfg.categories.categories
    cfg.categories = StandardSelection({**cuts, "jets": [*cuts["jets"], *cuts["tight_tag"]]})


def fewer_datasets(cfg: Configurator) -> None:
    cfg.definitions = {name: one for name, one in cfg.definitions.items() if one.sample != DY}


def no_skim(cfg: Configurator) -> None:
    cfg.skim = ()


@pytest.mark.parametrize("change", [another_histogram, another_category, another_order])
def test_what_is_not_read_leaves_its_specification(change: Any) -> None:
    cfg = trigger_eff()
    change(cfg)
    assert spec(cfg) == spec(trigger_eff())


@pytest.mark.parametrize("change", [other_bins, another_cut, fewer_datasets, no_skim])
def test_what_is_read_changes_its_specification(change: Any) -> None:
    cfg = trigger_eff()
    change(cfg)
    assert spec(cfg) != spec(trigger_eff())


def test_without_anything_that_is_known_it_is_the_whole() -> None:
    cfg = trigger_eff()
    assert part_of(cfg, [Reading("", "trigger_probes", ("none",), (DY,))]) is cfg
