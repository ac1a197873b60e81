"""Which keys the shipped sections of the parameters know.

An analysis may add sections of its own; inside a shipped section, and for names that look like a shipped
section's, an unknown key is a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.errors import ConfigError, UnknownNameError, nearest

#: a value or free contents for each of any keys (years, collections, …)
_ANY = {"*": None}
#: a correctionlib file and the correction in it
_CORRECTION = {"file": None, "name": None}

#: beside known keys stands for those of the user's own, which look like none of them
_OWN = {"+": None}
#: how alike a key or section of the user's own must be to a known one to be taken for a misspelling of it
_MISSPELT = 0.75

#: section → its known keys; "*" stands for any key (a year, a collection), None for free contents
SCHEMA: Mapping[str, Any] = {
    "lumi": {
        "picobarns": {"*": {"tot": None, "*": None}},
        "uncertainties": {"*": _ANY},
        "goldenJSON": _ANY,
        "sqrt_s": _ANY,
    },
    "event_flags": _ANY,
    "event_flags_data": _ANY,
    "HLT_triggers": {"*": _ANY},
    "L1_triggers": {"*": _ANY},
    "btagging": {"working_point": {"*": {"btagging_algorithm": None, "btagging_WP": _ANY}}},
    "object_preselection": {
        "Muon": {**dict.fromkeys(("pt", "eta", "iso", "id")), **_OWN},
        "Electron": {**dict.fromkeys(("pt", "eta", "iso", "id")), **_OWN},
        "Photon": {**dict.fromkeys(("pt", "eta", "cutBased", "dr_lepton")), **_OWN},
        "Jet": {
            **dict.fromkeys(("pt", "eta", "jetId", "dr_lepton")),
            # PocketCoffea's value is the threshold of the working point, which jet_scale_factors.jet_puId has here
            "puId": dict.fromkeys(("wp", "maxpt", "value")),
            "btag": {"wp": None, **_OWN},
            **_OWN,
        },
        "FatJet": {**dict.fromkeys(("pt", "eta", "jetId", "dr_lepton", "msd")), **_OWN},
        "GEN_Lep": {**dict.fromkeys(("pt", "eta")), **_OWN},
        "GEN_Jet": {**dict.fromkeys(("pt", "eta")), **_OWN},
        "*": None,
    },
    "jet_scale_factors": {
        "jet_collection": dict.fromkeys(("btag", "puId")),
        "btagSF": {"*": {**_CORRECTION, "fixed_wp": dict.fromkeys(("bc", "light"))}},
        "btag_efficiency": {"*": _CORRECTION},
        "jet_puId": {"*": {**_CORRECTION, "working_point": _ANY}},
    },
    "btagSF_calibration": {"*": _CORRECTION},
    "systematic_variations": {"weight_variations": {"*": _ANY}},
    "lepton_scale_factors": {
        "electron_sf": {
            "collection": None,
            "id": _ANY,
            "JSONfiles": {"*": {"files": dict.fromkeys(("reco", "id")), "name": None, "reco": _ANY}},
            "era_mapping": {"*": dict.fromkeys(("reco", "id", "trigger"))},
            "trigger_sf": {"*": {**_CORRECTION, "path": None}},
        },
        "muon_sf": {
            "collection": None,
            "JSONfiles": {"*": {"file": None}},
            "era_mapping": {"*": dict.fromkeys(("id", "iso", "trigger"))},
            "sf_name": {"*": dict.fromkeys(("id", "iso", "trigger"))},
        },
    },
    "jets_calibration": {
        "jet_types": {"*": {"*": dict.fromkeys(("json_path", "jec_mc", "jec_data", "jer", "level"))}},
        "collection": {"*": _ANY},
        "apply_jec_MC": {"*": _ANY},
        "apply_jec_Data": {"*": _ANY},
        "apply_jer_MC": {"*": _ANY},
        "sort_by_pt": {"*": _ANY},
        "smearing_seed": None,
        "variations": {"*": _ANY},
    },
    "default_jets_calibration": {
        "variations": {name: {"*": _ANY} for name in ("total_variation", "full_variations", "all_sources")},
    },
    "met_calibration": {
        "*": dict.fromkeys(
            (
                "apply_MC",
                "apply_data",
                "RawMET_collection",
                "MET_collection",
                "CorrT1METJet_collection",
                "Jet_collection",
            )
        )
    },
    "muon_scale": {"*": {"uncertainty": None}},
    "pileup": {"*": _CORRECTION},
    "plotting_style": None,
    "toys": None,
}

#: sections of PocketCoffea that have another name here
RENAMED: Mapping[str, str] = {"pileupJSONfiles": "pileup"}


def check_keys(parameters: Any, where: str) -> None:
    """Check the keys of (part of) the parameters against :data:`SCHEMA`.

    Args:
        parameters: plain dictionary, section → contents.
        where: file name or other place, for the error.

    Raises:
        UnknownNameError: naming the key, the place and the nearest known key.
        ConfigError: for a section that has another name here.
    """
    for section, content in parameters.items():
        if section in SCHEMA:
            _check(content, SCHEMA[section], str(section), where)
        elif section in RENAMED:
            raise ConfigError(f"section {section!r} in {where} is called {RENAMED[section]!r} here")
        elif nearest(str(section), SCHEMA, 1, _MISSPELT):
            raise UnknownNameError("section", section, SCHEMA, where)


def _check(content: Any, schema: Any, prefix: str, where: str) -> None:
    if schema is None or not isinstance(content, Mapping):
        return
    for key, value in content.items():
        is_own = "+" in schema and not nearest(str(key), schema, 1, _MISSPELT)
        if key not in schema and "*" not in schema and not is_own:
            raise UnknownNameError(
                "key", f"{prefix}.{key}", [f"{prefix}.{known}" for known in schema if known != "+"], where
            )
        _check(value, schema.get(key, schema.get("*")), f"{prefix}.{key}", where)
