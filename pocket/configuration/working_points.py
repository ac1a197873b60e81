"""Disagreements between the selection of muons and the working points that their scale factors are for.

Another selection may be meant, where an analysis selects muons by itself, so these are notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pocket.configuration.used_corrections import corrections_of_config

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator

#: Working point of the relative isolation → its upper limit
#: (https://twiki.cern.ch/twiki/bin/view/CMS/SWGuideMuonSelection#Particle_Flow_isolation).
_ISOLATION = {"VeryLoose": 0.4, "Loose": 0.25, "Medium": 0.2, "Tight": 0.15, "VeryTight": 0.1, "VeryVeryTight": 0.05}
_IDENTIFICATION = ("Loose", "Medium", "MediumPrompt", "Tight", "Soft", "HighPt")
#: Corrections of the muon group, such as NUM_LoosePFIso_DEN_TightID: what is measured, and among which muons.
_OF_ISOLATION = re.compile(r"NUM_(?P<isolation>\w+?)(?:Rel|PF)Iso_DEN_(?:(?P<identification>[A-Za-z]+?)ID)?")
_OF_IDENTIFICATION = re.compile(r"NUM_(?P<identification>\w+?)ID_DEN_")


def working_point_notes(config: Configurator) -> Iterator[str]:
    """Yield what scale factors of muons are for that the muons in the parameters don't have, as sentences."""
    if "object_preselection" not in config.reader.names:
        return
    muons = config.parameters.get("object_preselection", {}).get("Muon", {})
    noted: set[str] = set()
    for (_, correction), user, year in corrections_of_config(config):
        for key, wanted in required_of_muons(correction).items():
            value = muons.get(key)
            sentence = (
                f"{user} uses {correction} for {year}, which is for {key} {wanted}, and object_preselection.Muon.{key} "
                f"is {value}: change one of them, unless this is meant"
            )
            if _differs(value, wanted) and sentence not in noted:
                noted.add(sentence)
                yield sentence


def required_of_muons(correction: str) -> dict[str, float | str]:
    """Return key of ``object_preselection.Muon`` → its value for which a correction of muons is, as its name says.

    Examples:
        >>> required_of_muons("NUM_LoosePFIso_DEN_TightID")
        {'iso': 0.25, 'id': 'tightId'}
        >>> required_of_muons("NUM_MediumID_DEN_TrackerMuons"), required_of_muons("NUM_IsoMu24_DEN_TightID")
        ({'id': 'mediumId'}, {})
    """
    match = _OF_ISOLATION.match(correction) or _OF_IDENTIFICATION.match(correction)
    found = match.groupdict() if match else {}
    required: dict[str, float | str] = {}
    if (isolation := found.get("isolation")) in _ISOLATION:
        required["iso"] = _ISOLATION[isolation]
    if (identification := found.get("identification")) in _IDENTIFICATION:
        required["id"] = f"{identification[0].lower()}{identification[1:]}Id"
    return required


def _differs(value: Any, wanted: float | str) -> bool:
    """Tell whether a parameter differs; an analysis may have another form of it, or none, of which nothing is known."""
    if isinstance(wanted, str):
        return isinstance(value, str) and value != wanted
    return type(value) in (int, float) and abs(value - wanted) > 1e-6
