"""Keys of the shipped sections of the parameters, and the kinds of their values.

An analysis may add sections of its own. An unknown key in a shipped section, or a section whose name is similar to a
shipped one, is a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pocket.errors import ConfigError, UnknownNameError, nearest

#: Placeholder for the names of years in :data:`SCHEMA`.
YEAR = "<year>"
#: Placeholders for any key.
ANY = ("*", YEAR)


@dataclass(frozen=True)
class Kind:
    """Kind of a value.

    Args:
        name: its name in errors.
        types: types of its values.
    """

    name: str
    types: tuple[type, ...]

    def has(self, value: Any) -> bool:
        """Tell whether a value is of this kind."""
        return isinstance(value, self.types) and (not isinstance(value, bool) or bool in self.types)


NUMBER = Kind("a number", (int, float))
TEXT = Kind("a string", (str,))
SWITCH = Kind("true or false", (bool,))
LIST = Kind("a list", (list,))

#: Any keys (collections, weights, …) with any contents.
_ANY: Mapping[str, Any] = {"*": None}
#: Any years with any contents.
_YEARS: Mapping[str, Any] = {YEAR: None}
#: A correctionlib file and the correction in it.
_CORRECTION = {"file": TEXT, "name": TEXT}

#: Beside known keys, allows the user's own keys if they aren't similar to a known one.
_OWN = {"+": None}
#: OmegaConf's notation for a value that isn't known yet.
_MISSING = "???"
#: Notation of values that YAML writes differently than Python.
_SHOWN = {"None": "null", "True": "true", "False": "false"}
#: Similarity from which a key or section of the user's own counts as a misspelling of a known one.
_MISSPELT = 0.75

#: Section → its known keys; "*" stands for any key (a collection, a weight), None for any contents.
SCHEMA: Mapping[str, Any] = {
    "lumi": {
        "picobarns": {YEAR: {"tot": NUMBER, "*": NUMBER}},
        "uncertainties": {YEAR: {"*": NUMBER}},
        "goldenJSON": {YEAR: TEXT},
        "sqrt_s": {YEAR: NUMBER},
    },
    "event_flags": {YEAR: LIST},
    "event_flags_data": {YEAR: LIST},
    "HLT_triggers": {YEAR: {"*": LIST}},
    "L1_triggers": {YEAR: {"*": LIST}},
    "btagging": {"working_point": {YEAR: {"btagging_algorithm": TEXT, "btagging_WP": {"*": NUMBER}}}},
    "object_preselection": {
        "Muon": {**dict.fromkeys(("pt", "eta", "iso"), NUMBER), "id": None, **_OWN},
        "Electron": {**dict.fromkeys(("pt", "eta", "iso"), NUMBER), "id": None, **_OWN},
        "Photon": {**dict.fromkeys(("pt", "eta", "cutBased", "dr_lepton"), NUMBER), **_OWN},
        "Jet": {
            **dict.fromkeys(("pt", "eta", "jetId", "dr_lepton"), NUMBER),
            # PocketCoffea's value is the threshold of the working point; here it is jet_scale_factors.jet_puId.
            "puId": {"wp": TEXT, "maxpt": NUMBER, "value": None},
            "btag": {"wp": TEXT, **_OWN},
            **_OWN,
        },
        "FatJet": {**dict.fromkeys(("pt", "eta", "jetId", "dr_lepton", "msd"), NUMBER), **_OWN},
        "GEN_Lep": {**dict.fromkeys(("pt", "eta"), NUMBER), **_OWN},
        "GEN_Jet": {**dict.fromkeys(("pt", "eta"), NUMBER), **_OWN},
        "*": None,
    },
    "jet_scale_factors": {
        "jet_collection": dict.fromkeys(("btag", "puId"), TEXT),
        "btagSF": {YEAR: {**_CORRECTION, "fixed_wp": dict.fromkeys(("bc", "light"), TEXT)}},
        "btag_efficiency": {YEAR: _CORRECTION},
        "jet_puId": {YEAR: {**_CORRECTION, "working_point": {"*": NUMBER}}},
    },
    "btagSF_calibration": {YEAR: _CORRECTION},
    "systematic_variations": {"weight_variations": {"*": _YEARS}},
    "lepton_scale_factors": {
        "electron_sf": {
            "collection": TEXT,
            "id": _ANY,
            "JSONfiles": {YEAR: {"files": dict.fromkeys(("reco", "id"), TEXT), "name": TEXT, "reco": _ANY}},
            "era_mapping": {YEAR: dict.fromkeys(("reco", "id", "trigger"))},
            "trigger_sf": {YEAR: {**_CORRECTION, "path": TEXT}},
        },
        "muon_sf": {
            "collection": TEXT,
            "JSONfiles": {YEAR: {"file": TEXT}},
            "era_mapping": {YEAR: dict.fromkeys(("id", "iso", "trigger"))},
            "sf_name": {YEAR: dict.fromkeys(("id", "iso", "trigger"), TEXT)},
        },
    },
    "jets_calibration": {
        "jet_types": {"*": {YEAR: dict.fromkeys(("json_path", "jec_mc", "jec_data", "jer", "level"))}},
        "collection": {YEAR: _ANY},
        "apply_jec_MC": {YEAR: {"*": SWITCH}},
        "apply_jec_Data": {YEAR: {"*": SWITCH}},
        "apply_jer_MC": {YEAR: {"*": SWITCH}},
        "sort_by_pt": {YEAR: {"*": SWITCH}},
        "smearing_seed": NUMBER,
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
    "muon_scale": {YEAR: {"uncertainty": NUMBER}},
    "pileup": {YEAR: _CORRECTION},
    # Tasks that plot refuse other keys, such as PocketCoffea's.
    "plotting_style": {
        **dict.fromkeys(("label", "formats", "dpi", "log_histograms", "order_mc", "only_samples", "exclude_samples")),
        **dict.fromkeys(("labels_mc", "colors_mc", "rescale_samples", "signal_samples", "samples_groups"), _ANY),
        "blind_hists": {"categories": None, "histograms": _ANY},
        **_OWN,
    },
    "toys": None,
}

#: Sections of PocketCoffea that have another name here.
RENAMED: Mapping[str, str] = {"pileupJSONfiles": "pileup"}


def check_keys(parameters: Any, where: str, written: Mapping[str, str] | None = None) -> None:
    """Check the keys of parameters, and the kinds of their values, against :data:`SCHEMA`.

    Interpolations and ``???`` are accepted, since they may become any value.

    Args:
        parameters: plain dictionary, section → contents, with interpolations as written.
        where: file name or other place, for the error.
        written: key → number as written, for numbers that YAML reads differently
            (:func:`pocket.parameters.numbers.surprising_numbers`).

    Raises:
        UnknownNameError: for an unknown key or section, with the place and the nearest known one.
        ConfigError: for a section that has another name here, and for a value of another kind.
    """
    for section, content in parameters.items():
        if section in SCHEMA:
            _check(content, SCHEMA[section], str(section), where, written or {})
        elif section in RENAMED:
            raise ConfigError(f"section {section!r} in {where} is called {RENAMED[section]!r} here")
        elif nearest(str(section), SCHEMA, 1, _MISSPELT):
            raise UnknownNameError("section", section, SCHEMA, where)


def _check(content: Any, schema: Any, prefix: str, where: str, written: Mapping[str, str]) -> None:
    if isinstance(schema, Kind):
        _check_kind(content, schema, prefix, where, written)
        return
    if schema is None or content is None or _is_open(content):
        return
    if not isinstance(content, Mapping):
        keys = [key for key in schema if key not in (*ANY, "+")]
        known = f" of keys such as {keys[0]!r}" if keys else " by year" if YEAR in schema else ""
        raise ConfigError(f"{prefix} in {where} is {content!r}, expected a table{known}")
    for key, value in content.items():
        if YEAR in schema and isinstance(key, int):
            raise ConfigError(f"{prefix} in {where} has the number {key} as a key, write the year in quotes: '{key}'")
        is_own = "+" in schema and not nearest(str(key), schema, 1, _MISSPELT)
        of_any = [schema[any_key] for any_key in ANY if any_key in schema]
        if key not in schema and not of_any and not is_own:
            raise UnknownNameError(
                "key", f"{prefix}.{key}", [f"{prefix}.{known}" for known in schema if known != "+"], where
            )
        _check(value, schema.get(key, *of_any), f"{prefix}.{key}", where, written)


def _is_open(value: Any) -> bool:
    """Tell whether a value is an interpolation or isn't known yet."""
    return isinstance(value, str) and ("${" in value or value == _MISSING)


def _check_kind(value: Any, kind: Kind, key: str, where: str, written: Mapping[str, str]) -> None:
    if _is_open(value):
        return
    if kind is NUMBER and key in written:
        raise ConfigError(
            f"{key} in {where} is written {written[key]}, which YAML reads as {value}: write {value} if that is meant"
        )
    if not kind.has(value):
        raise ConfigError(f"{key} in {where} is {_SHOWN.get(repr(value), repr(value))}, expected {kind.name}")
