"""Keys of the sections of the parameters that code here reads, and the kinds of their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Placeholder for the names of years in :data:`SCHEMA`.
YEAR = "<year>"
#: Placeholders for any key.
ANY = ("*", YEAR)


@dataclass(frozen=True)
class Kind:
    """Kind of a value."""

    name: str
    types: tuple[type, ...]

    def has(self, value: Any) -> bool:
        """Tell whether a value is of this kind."""
        return isinstance(value, self.types) and (not isinstance(value, bool) or bool in self.types)


NUMBER = Kind("a number", (int, float))
#: A limit of an object selection. A table or a list is a form of the user's own, which only the user's code reads.
LIMIT = Kind("a number", (int, float, dict, list))
TEXT = Kind("a string", (str,))
SWITCH = Kind("true or false", (bool,))
#: A string, or null for none.
OPTION = Kind("a string or null", (str, type(None)))
LIST = Kind("a list", (list,))

#: Any keys (collections, weights, …) with any contents.
_ANY: Mapping[str, Any] = {"*": None}
#: Any years with any contents.
_YEARS: Mapping[str, Any] = {YEAR: None}
#: The years in which something is applied.
_APPLY = {"apply": {YEAR: SWITCH}}
#: A correctionlib file and the correction in it.
_CORRECTION = {"file": TEXT, "name": TEXT}
#: Marks tables in which keys of the user's own are usual.
OWN = "+"
_OWN = {OWN: None}
#: Options of the selection of photons.
_OF_PHOTONS = {"id": TEXT, "mvaID": LIMIT, "pixelSeedVeto": SWITCH, "electronVeto": SWITCH}
#: Tables of the scale factors of photons.
_PHOTON_TABLES = dict.fromkeys(("JSONfiles", "sf_name", "era_mapping", "working_point"), _YEARS)
#: Energy scale and resolution of electrons or photons.
_SCALE = {"apply": {YEAR: SWITCH}, "correctionlib_config": _YEARS, "smearing_seed": NUMBER}

#: Section → its known keys; "*" stands for any key (a collection, a weight), None for any contents. A pair is the kind
#: of a value that is no table, and the keys of a table.
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
    "btagging": {"working_point": {YEAR: {"btagging_algorithm": TEXT, "btagging_WP": (NUMBER, {"*": LIMIT})}}},
    "default_btagging": {"working_point": {"*": _YEARS}, "btagSF": {"*": _YEARS}},
    "ctagging": {"scores": {YEAR: dict.fromkeys(("CvL", "CvB"), TEXT)}, "working_point": _YEARS},
    "object_preselection": {
        "Muon": {**dict.fromkeys(("pt", "eta", "iso"), LIMIT), "id": None, **_OWN},
        "Electron": {**dict.fromkeys(("pt", "eta", "iso"), LIMIT), "id": None, **_OWN},
        "Photon": {**dict.fromkeys(("pt", "eta", "cutBased", "dr_lepton"), LIMIT), **_OF_PHOTONS, **_OWN},
        "Tau": {**dict.fromkeys(("pt", "eta", "dz", "dr_lepton"), LIMIT), "decay_modes": None, "tagger": None, **_OWN},
        "Jet": {
            **dict.fromkeys(("pt", "eta", "jetId", "dr_lepton"), LIMIT),
            # PocketCoffea's value is the threshold of the working point; here it is jet_scale_factors.jet_puId.
            "puId": {"wp": TEXT, "maxpt": NUMBER, "value": None},
            "btag": {"wp": TEXT, **_OWN},
            **_OWN,
        },
        "FatJet": {**dict.fromkeys(("pt", "eta", "jetId", "dr_lepton", "msd"), LIMIT), **_OWN},
        "GEN_Lep": {**dict.fromkeys(("pt", "eta"), LIMIT), **_OWN},
        "GEN_Jet": {**dict.fromkeys(("pt", "eta"), LIMIT), **_OWN},
        "*": None,
    },
    "jet_scale_factors": {
        "jet_collection": dict.fromkeys(("btag", "ctag", "puId"), TEXT),
        "btagSF": {YEAR: {**_CORRECTION, "fixed_wp": dict.fromkeys(("bc", "light"), TEXT)}},
        "ctagSF": {YEAR: dict.fromkeys(("SF_file", "name", "Calib_file", "Calib_name"), TEXT)},
        "btag_efficiency": {YEAR: _CORRECTION},
        "jet_puId": {YEAR: {**_CORRECTION, "working_point": {"*": NUMBER}}},
    },
    "btagSF_calibration": {YEAR: _CORRECTION},
    "correction_tags": dict.fromkeys(("all", "BTV", "EGM", "JME", "LUM", "MUO", "TAU"), OPTION),
    "systematic_variations": {"weight_variations": {"*": _YEARS}},
    "lepton_scale_factors": {
        "electron_sf": {
            "collection": TEXT,
            # Older releases of PocketCoffea have one working point.
            "id": (TEXT, _ANY),
            "JSONfiles": {YEAR: {"files": dict.fromkeys(("reco", "id"), TEXT), "name": TEXT, "reco": _ANY}},
            "era_mapping": {YEAR: dict.fromkeys(("reco", "id", "trigger"))},
            "trigger_sf": {YEAR: {**_CORRECTION, "path": TEXT}},
            "scale_and_smearing": _SCALE,
        },
        "muon_sf": {
            "collection": TEXT,
            "JSONfiles": {YEAR: {"file": TEXT}},
            "era_mapping": {YEAR: dict.fromkeys(("id", "iso", "reco", "trigger"))},
            "sf_name": {YEAR: {**dict.fromkeys(("id", "iso", "trigger"), TEXT), "reco": None}},
            "rochester": {**_APPLY, "txt_file": {YEAR: TEXT}, "variations": LIST, "smearing_seed": NUMBER},
            "scale_and_resolution": {**_APPLY, "correctionlib_config": _YEARS, "variations": {YEAR: LIST}},
        },
    },
    "photon_scale_factors": {"photon_sf": {"collection": TEXT, "scale_and_smearing": _SCALE, **_PHOTON_TABLES}},
    "tau_scale_factors": {"collection": TEXT, "JSONfiles": _YEARS, "form": _YEARS, "energy_scale_variations": _YEARS},
    "jets_calibration": {
        # PocketCoffea's older releases have lists of text files.
        "jet_types": {"*": {YEAR: (LIST, dict.fromkeys(("json_path", "jec_mc", "jec_data", "jer", "level")))}},
        # There they also have one collection for each type of jet.
        "collection": {YEAR: (TEXT, _ANY)},
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
                # Collections of leptons whose calibrations the missing momentum follows.
                "leptons",
            )
        )
    },
    "muon_scale": {YEAR: {"uncertainty": NUMBER}},
    "pileup": {YEAR: _CORRECTION},
    "pileupJSONfiles": {YEAR: _CORRECTION},
    # Tasks that plot refuse other keys, such as PocketCoffea's.
    "plotting_style": {
        **dict.fromkeys(("label", "formats", "dpi", "log_histograms", "order_mc", "only_samples", "exclude_samples")),
        **dict.fromkeys(("labels_mc", "colors_mc", "rescale_samples", "signal_samples", "samples_groups"), _ANY),
        "blind_hists": {"categories": None, "histograms": _ANY},
        **dict.fromkeys(("fontsize", "fontsize_legend")),
        **dict.fromkeys(("opts_figure", "opts_data", "opts_mc", "opts_unc", "opts_sig", "opts_ylim")),
        **_OWN,
    },
    "toys": None,
}
