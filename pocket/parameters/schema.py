"""Which keys the shipped sections of the parameters know.

An analysis may add sections of its own; inside a shipped section, and for names that look like a shipped
section's, an unknown key is a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.errors import ConfigError, UnknownNameError, nearest

#: stands for the names of years in :data:`SCHEMA`
YEAR = "<year>"
#: what stands for any key there
ANY = ("*", YEAR)

#: a value or free contents for each of any keys (collections, weights, …)
_ANY: Mapping[str, Any] = {"*": None}
#: the same for each year
_YEARS: Mapping[str, Any] = {YEAR: None}
#: a correctionlib file and the correction in it
_CORRECTION = {"file": None, "name": None}

#: beside known keys stands for those of the user's own, which look like none of them
_OWN = {"+": None}
#: how alike a key or section of the user's own must be to a known one to be taken for a misspelling of it
_MISSPELT = 0.75

#: section → its known keys; "*" stands for any key (a collection, a weight), None for free contents
SCHEMA: Mapping[str, Any] = {
    "lumi": {
        "picobarns": {YEAR: {"tot": None, "*": None}},
        "uncertainties": {YEAR: _ANY},
        "goldenJSON": _YEARS,
        "sqrt_s": _YEARS,
    },
    "event_flags": _YEARS,
    "event_flags_data": _YEARS,
    "HLT_triggers": {YEAR: _ANY},
    "L1_triggers": {YEAR: _ANY},
    "btagging": {"working_point": {YEAR: {"btagging_algorithm": None, "btagging_WP": _ANY}}},
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
        "btagSF": {YEAR: {**_CORRECTION, "fixed_wp": dict.fromkeys(("bc", "light"))}},
        "btag_efficiency": {YEAR: _CORRECTION},
        "jet_puId": {YEAR: {**_CORRECTION, "working_point": _ANY}},
    },
    "btagSF_calibration": {YEAR: _CORRECTION},
    "systematic_variations": {"weight_variations": {"*": _YEARS}},
    "lepton_scale_factors": {
        "electron_sf": {
            "collection": None,
            "id": _ANY,
            "JSONfiles": {YEAR: {"files": dict.fromkeys(("reco", "id")), "name": None, "reco": _ANY}},
            "era_mapping": {YEAR: dict.fromkeys(("reco", "id", "trigger"))},
            "trigger_sf": {YEAR: {**_CORRECTION, "path": None}},
        },
        "muon_sf": {
            "collection": None,
            "JSONfiles": {YEAR: {"file": None}},
            "era_mapping": {YEAR: dict.fromkeys(("id", "iso", "trigger"))},
            "sf_name": {YEAR: dict.fromkeys(("id", "iso", "trigger"))},
        },
    },
    "jets_calibration": {
        "jet_types": {"*": {YEAR: dict.fromkeys(("json_path", "jec_mc", "jec_data", "jer", "level"))}},
        "collection": {YEAR: _ANY},
        "apply_jec_MC": {YEAR: _ANY},
        "apply_jec_Data": {YEAR: _ANY},
        "apply_jer_MC": {YEAR: _ANY},
        "sort_by_pt": {YEAR: _ANY},
        "smearing_seed": None,
        "variations": {"*": _YEARS},
    },
    "default_jets_calibration": {
        "variations": {name: {"*": _YEARS} for name in ("total_variation", "full_variations", "all_sources")},
    },
    "met_calibration": {
        YEAR: dict.fromkeys(
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
    "muon_scale": {YEAR: {"uncertainty": None}},
    "pileup": {YEAR: _CORRECTION},
    # others, such as PocketCoffea's, are refused by the tasks that plot
    "plotting_style": {
        **dict.fromkeys(("label", "formats", "dpi", "log_histograms", "order_mc", "only_samples", "exclude_samples")),
        **dict.fromkeys(("labels_mc", "colors_mc", "rescale_samples", "signal_samples", "samples_groups"), _ANY),
        "blind_hists": {"categories": None, "histograms": _ANY},
        **_OWN,
    },
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
        of_any = [schema[any_key] for any_key in ANY if any_key in schema]
        if key not in schema and not of_any and not is_own:
            raise UnknownNameError(
                "key", f"{prefix}.{key}", [f"{prefix}.{known}" for known in schema if known != "+"], where
            )
        _check(value, schema.get(key, *of_any), f"{prefix}.{key}", where)
