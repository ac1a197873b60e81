"""Keys of tagging corrections for variations of the jets' energy."""

from __future__ import annotations

import pytest

from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from pocket.weights.energy_shifts import EnergyShift, energy_shift

#: Sources of the full set, of BTV's files in all years.
# fmt: off
FULL = (
    "AbsoluteMPFBias", "AbsoluteScale", "AbsoluteStat", "FlavorQCD", "Fragmentation", "PileUpDataMC", "PileUpPtBB",
    "PileUpPtEC1", "PileUpPtEC2", "PileUpPtHF", "PileUpPtRef", "RelativeBal", "RelativeFSR", "RelativeJEREC1",
    "RelativeJEREC2", "RelativeJERHF", "RelativePtBB", "RelativePtEC1", "RelativePtEC2", "RelativePtHF",
    "RelativeSample", "RelativeStatEC", "RelativeStatFSR", "RelativeStatHF", "SinglePionECAL", "SinglePionHCAL",
    "TimePtEta",
)
# fmt: on
#: Those of the reduced set that BTV's files of Run 2 have, too.
REDUCED = ("Absolute", "Absolute_{}", "BBEC1", "BBEC1_{}", "EC2", "EC2_{}", "HF", "HF_{}", "RelativeSample_{}")


def keys_of(year: str) -> set[str]:
    """Return the keys for shifted energies of BTV's shape correction of a year."""
    reduced = [name.format(year[:4]) for name in REDUCED] if year < "2022" else []
    return {f"{side}_jes{name}" for side in ("up", "down") for name in ("", *FULL, *reduced)}


@pytest.mark.parametrize(
    ("variation", "expected"),
    [
        ("AK4PFchs_JES_TotalUp", EnergyShift("Total", "up")),
        ("JES_TotalDown", EnergyShift("Total", "down")),
        ("AK4PFPuppi_JES_Regrouped_BBEC1_2022EEUp", EnergyShift("BBEC1_2022EE", "up")),
        ("AK4PFchs_JERDown", EnergyShift("", "down")),
        ("JERUp", EnergyShift("", "up")),
        ("AK8PFPuppi_JES_TotalUp", None),
        ("AK8PFPuppi_JERUp", None),
        ("AllJets_JES_TotalUp", EnergyShift("Total", "up")),
        ("FatOnes_JES_TotalUp", None),
        ("muon_scaleUp", None),
        ("PuppiMET_unclusteredUp", None),
        ("nominal", None),
    ],
)
def test_shifts_of_small_jets(variation: str, expected: EnergyShift | None) -> None:
    merged = {"AllJets": ["AK4PFchs", "AK8PFPuppi"], "FatOnes": ["AK8PFPuppi", "AK8PFPuppiRegressed"]}
    params = {"jets_calibration": {"merge_collections_for_variations": {"2018": merged}}}
    assert energy_shift(variation, params, "2018") == expected


@pytest.mark.parametrize("year", [year for year in to_plain(get_default_parameters())["pileup"] if year < "2024"])
def test_keys_of_all_sources_of_all_years(year: str) -> None:
    choices = to_plain(get_default_parameters())["default_jets_calibration"]["variations"]
    jets = "AK4PFchs" if year < "2022" else "AK4PFPuppi"
    known = keys_of(year)
    missing = []
    for choice in ("total_variation", "full_variations", "all_sources"):
        for kind in choices[choice][jets][year]:
            for side, direction in (("Up", "up"), ("Down", "down")):
                shift = energy_shift(f"{jets}_{kind}{side}", {}, year)
                assert shift is not None
                key = shift.key(known)
                if kind == "JER":
                    assert (key, shift.key({f"{direction}_jer"})) == (None, f"{direction}_jer")
                elif key is None:
                    missing.append(kind)
                else:
                    assert key in known
                    assert key.startswith(f"{direction}_jes")
    # In Run 3 BTV has the full set only: groups of several sources have no scale factors of their own.
    groups = [f"JES_Regrouped_{name}" for name in ("Absolute", "Absolute_", "BBEC1", "BBEC1_", "EC2_", "HF")]
    found = {kind.partition("_20")[0] + ("_" if "_20" in kind else "") for kind in missing}
    assert found == (set() if year < "2022" else set(groups))


def test_keys() -> None:
    assert EnergyShift("Total", "up").key(["up_jesTotal"], total="jesTotal") == "up_jesTotal"
    assert EnergyShift("Absolute_2018", "up").key(["up_jesAbsolute"]) is None
    assert EnergyShift("EC2", "down").key(["down_jesEC2", "down_jesPileUpPtEC2"]) == "down_jesEC2"
    assert EnergyShift("EC2", "down").key(["down_jesPileUpPtEC2"]) == "down_jesPileUpPtEC2"
    assert EnergyShift("HF_2023BPix", "up").key(["up_jesRelativeStatHF"]) == "up_jesRelativeStatHF"
