"""Provenance of partons in tt̄ events with additional b quarks, from the order of the generators' outgoing partons.

The functions take lists of PDG codes and an ``ak.ArrayBuilder``, as PocketCoffea's do. Our own functions
:func:`pocket.objects.hard_process_partons` follow the ancestors instead, and hold for all decays.

The provenances are 1 for the b quarks of the Higgs boson or of a gluon, 2 for the b quark of the hadronic top quark, 3
for that of the leptonic one, 4 for additional radiation, 5 for the quarks of the hadronic W boson, and -1 for none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

#: Provenances.
PAIR, HADRONIC_B, LEPTONIC_B, RADIATION, W_QUARK, NONE = 1, 2, 3, 4, 5, -1
#: Quarks of a W boson from a top quark, as the generators order them; those from an antitop have the opposite charges.
_OF_TOP = frozenset({(-3, 4), (-3, 2), (-1, 2), (-1, 4)})
_OF_ANTITOP = frozenset({(3, -4), (3, -2), (1, -2), (1, -4)})


def get_partons_provenance_ttHbb(pdgIds: Iterable[Sequence[int]], array_builder: Any) -> Any:
    """Append the provenances of ttH events: radiation, b, b̄, quarks of the W boson, b quarks of the Higgs boson."""
    return _append(pdgIds, array_builder, _of_tthbb)


def get_partons_provenance_ttHbb_dileptonic(pdgIds: Iterable[Sequence[int]], array_builder: Any) -> Any:
    """Append the provenances of ttH events with two leptons: 2 is the b quark of the top, 3 that of the antitop."""
    return _append(pdgIds, array_builder, _of_dileptonic)


def get_partons_provenance_ttbb4F(pdgIds: Iterable[Sequence[int]], array_builder: Any) -> Any:
    """Append the provenances of ttbb events in the four-flavour scheme: b quarks of the gluon, radiation, b, b̄, W."""
    return _append(pdgIds, array_builder, _of_ttbb)


def get_partons_provenance_tt5F(pdgIds: Iterable[Sequence[int]], array_builder: Any) -> Any:
    """Append the provenances of tt̄ events in the five-flavour scheme: radiation, b, b̄, quarks of the W boson."""
    return _append(pdgIds, array_builder, _of_tt)


def _append(events: Iterable[Sequence[int]], builder: Any, find: Any) -> Any:
    for ids in events:
        builder.begin_list()
        for provenance in find([int(code) for code in ids]):
            builder.append(provenance)
        builder.end_list()
    return builder


def _of_tthbb(ids: list[int]) -> list[int]:
    offset = int(len(ids) == 7)
    found = [RADIATION] * offset + [NONE] * (len(ids) - offset)
    if len(ids) in (6, 7):
        _set_tops(found, ids, offset, offset + 2)
        found[offset + 4 : offset + 6] = [PAIR, PAIR]
    else:
        found[:4] = [HADRONIC_B, LEPTONIC_B, PAIR, PAIR]
    return found


def _of_dileptonic(ids: list[int]) -> list[int]:
    offset = int(len(ids) == 5)
    found = [RADIATION] * offset + [NONE] * (max(4, len(ids)) - offset)
    plain = len(ids) not in (4, 5)
    if plain or ids[offset] == 5:
        found[offset] = HADRONIC_B
    if plain or ids[offset + 1] == -5:
        found[offset + 1] = LEPTONIC_B
    found[offset + 2 : offset + 4] = [PAIR, PAIR]
    return found


def _of_ttbb(ids: list[int]) -> list[int]:
    found = [PAIR, PAIR] + [NONE] * (len(ids) - 2)
    offset = int(len(ids) == 7)
    if offset:
        found[2] = RADIATION
    if len(ids) in (6, 7):
        _set_tops(found, ids, offset + 2, offset + 4)
    return found


def _of_tt(ids: list[int]) -> list[int]:
    offset = int(len(ids) == 5)
    found = [RADIATION] * offset + [NONE] * (len(ids) - offset)
    if len(ids) in (4, 5):
        _set_tops(found, ids, offset, offset + 2)
    return found


def _set_tops(found: list[int], ids: list[int], bottom: int, quarks: int) -> None:
    """Set the provenances of b, b̄ and the quarks of the W boson, if these belong to the top or to the antitop."""
    pair = (ids[quarks], ids[quarks + 1])
    if pair not in _OF_TOP | _OF_ANTITOP or (ids[bottom], ids[bottom + 1]) != (5, -5):
        return
    top_is_hadronic = pair in _OF_TOP
    found[bottom] = HADRONIC_B if top_is_hadronic else LEPTONIC_B
    found[bottom + 1] = LEPTONIC_B if top_is_hadronic else HADRONIC_B
    found[quarks], found[quarks + 1] = W_QUARK, W_QUARK
