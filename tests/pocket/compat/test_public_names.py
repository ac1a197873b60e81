from __future__ import annotations

import importlib

import pytest

from pocket.compat.public_names import MODULES, best_module, counterpart, module_with, public_places

CUTS = "pocket_coffea.lib.cut_functions"


def value(module: str, name: str) -> object:
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        (CUTS, "get_nObj_min", {"pocket.cuts": "get_nObj_min"}),
        ("pocket_coffea.parameters.cuts", "passthrough", {"pocket.cuts": "passthrough"}),
        ("pocket_coffea.lib.weights.common.common", "SF_mu_id", {"pocket.weights": "MuonId"}),
        ("pocket_coffea.lib.hist_manager", "Axis", {"pocket": "Axis", "pocket.histograms": "Axis"}),
        # Others by the same name have other numbers.
        ("pocket_coffea.lib.calibrators.common", "JetsCalibrator", {}),
        ("pocket_coffea.lib.objects", "getGenLeptons", {}),
        # An equal string may be anything.
        ("pocket_coffea.lib.jets", "JET_SORTIDX_FIELD", {}),
    ],
)
def test_places_of_an_object(module: str, name: str, expected: dict[str, str]) -> None:
    assert public_places(value(module, name)) == expected


def test_counterparts_have_a_place_and_are_others() -> None:
    for module, name in (
        (CUTS, "get_HLTsel"),
        ("pocket_coffea.parameters.histograms", "count_hist"),
        ("pocket_coffea.utils.configurator", "Configurator"),
        ("pocket_coffea.workflows.base", "BaseProcessorABC"),
        ("pocket_coffea.lib.weights.weights", "WeightLambda"),
    ):
        theirs = value(module, name)
        assert counterpart(theirs) == name
        for place, own in public_places(theirs).items():
            assert value(place, own) is not theirs


def test_the_module_with_most_objects() -> None:
    histograms = [public_places(value("pocket_coffea.parameters.histograms", name)) for name in ("Axis", "jet_hists")]
    assert best_module(histograms) == "pocket.histograms"
    assert best_module(histograms[:1]) == MODULES[0] == "pocket"
    assert best_module([{}]) is None


def test_the_module_with_the_same_functions() -> None:
    defaults = importlib.import_module("pocket_coffea.parameters.defaults")
    names = ("get_default_parameters", "merge_parameters_from_files", "register_configuration_dir")
    assert module_with({name: getattr(defaults, name) for name in names}) == "pocket.compat.parameters"
    assert module_with({"get_default_parameters": None}) is None
    assert module_with({}) is None
