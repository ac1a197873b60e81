"""Which keys the shipped sections of the parameters know.

An analysis may add sections of its own; inside a shipped section, and for names that look like a shipped
section's, an unknown key is a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.errors import UnknownNameError, nearest

#: section → its known keys; "*" stands for any key (a year, a collection), None for free contents
SCHEMA: Mapping[str, Any] = {
    "lumi": {"picobarns": {"*": {"tot": None, "*": None}}, "goldenJSON": {"*": None}, "sqrt_s": {"*": None}},
    "event_flags": {"*": None},
    "event_flags_data": {"*": None},
    "HLT_triggers": {"*": {"*": None}},
    "btagging": {"working_point": {"*": {"btagging_algorithm": None, "btagging_WP": {"*": None}}}},
    "object_preselection": {
        "*": dict.fromkeys(
            ("pt", "eta", "iso", "id", "dr_lepton", "jetId", "puId", "btag", "maxpt", "dz", "dxy", "sip3d", "mass")
        )
    },
    "jet_scale_factors": {"jet_puId": {"*": {"working_point": {"*": None}}}},
    "pileup": {"*": {"file": None, "name": None}},
    "plotting_style": None,
    "toys": None,
}


def check_keys(parameters: Any, where: str) -> None:
    """Check the keys of (part of) the parameters against :data:`SCHEMA`.

    Args:
        parameters: plain dictionary, section → contents.
        where: file name or other place, for the error.

    Raises:
        UnknownNameError: naming the key, the place and the nearest known key.
    """
    for section, content in parameters.items():
        if section in SCHEMA:
            _check(content, SCHEMA[section], str(section), where)
        elif nearest(str(section), SCHEMA, 1):
            raise UnknownNameError("section", section, SCHEMA, where)


def _check(content: Any, schema: Any, prefix: str, where: str) -> None:
    if schema is None or not isinstance(content, Mapping):
        return
    for key, value in content.items():
        if key not in schema and "*" not in schema:
            raise UnknownNameError("key", f"{prefix}.{key}", [f"{prefix}.{known}" for known in schema], where)
        _check(value, schema.get(key, schema.get("*")), f"{prefix}.{key}", where)
