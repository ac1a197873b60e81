"""Selection of electrons and muons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.arrays.jagged import (
    ObjectColumns,
    by_descending,
    counts_of,
    elements_of,
    flat_values,
    select_objects,
    starts_of,
    to_lists,
)
from pocket.base.arrays.lazy import lazy_column
from pocket.errors import ConfigError, UnknownNameError
from pocket.objects.nanoaod import lepton_id, supercluster_eta
from pocket.parameters.access import limit, parameter

#: Lepton flavour → relative isolation that ``iso`` cuts on.
ISOLATION = {"Electron": "pfRelIso03_all", "Muon": "pfRelIso04_all"}
#: Fields that electrons and muons have in common.
LEPTON_FIELDS = ("pt", "eta", "phi", "mass", "charge", "pdgId")
#: Transition between ECAL barrel and endcap in |eta| of the supercluster, where electrons are measured poorly.
ECAL_TRANSITION = (1.4442, 1.5660)


def lepton_selection(events: ak.Array, lepton_flavour: str, params: Any) -> ak.Array:
    """Return the leptons that pass ``object_preselection.{lepton_flavour}``.

    Its keys are ``pt`` and ``eta`` (exclusive limits on pt in GeV and on |eta|), ``id`` (a boolean field such as
    ``tightId``; see :func:`~pocket.objects.nanoaod.lepton_id`) and optionally ``iso`` (exclusive upper limit on the
    relative isolation). Electrons in the transition between ECAL barrel and endcap are dropped.

    Args:
        events: events with the collection ``lepton_flavour``.
        lepton_flavour: ``"Electron"`` or ``"Muon"``.
        params: parameters of the analysis.

    Returns:
        The selected leptons, shape (n events, n selected). Electrons have the field ``etaSC``, eta of the supercluster.

    Raises:
        UnknownNameError: for another flavour or a missing parameter.
        MissingBranchError: if the field in ``id`` doesn't exist.
        ConfigError: if that field isn't boolean, or a limit isn't a number.
    """
    if lepton_flavour not in ISOLATION:
        raise UnknownNameError("lepton flavour", lepton_flavour, ISOLATION, "lepton_selection")
    columns = ObjectColumns(collection(events, lepton_flavour))
    leptons = columns.objects
    path = ("object_preselection", lepton_flavour)
    cuts = parameter(params, *path)
    identification = parameter(params, *path, "id")
    passes_id = lepton_id(leptons, identification, lepton_flavour)
    if not any(boolean in passes_id.typestr for boolean in ("* bool", "* ?bool")):
        raise ConfigError(f"{'.'.join(path)}.id must name a boolean, which {identification!r} is not")
    good = (
        (columns["pt"] > limit(params, *path, "pt"))
        & (abs(columns["eta"]) < limit(params, *path, "eta"))
        & columns.flat(passes_id)
    )
    if "iso" in cuts:
        isolation = branch(leptons, ISOLATION[lepton_flavour], lepton_flavour)
        good = good & (columns.flat(isolation) < limit(params, *path, "iso"))
    if lepton_flavour == "Electron":
        eta = columns.flat(supercluster_eta(leptons))
        leptons = ak.with_field(leptons, columns.lists(eta), "etaSC")
        good = good & ~in_ecal_transition(eta)
    return select_objects(leptons, columns.lists(good))


def in_ecal_transition(eta: Any) -> Any:
    """Return the mask of electrons or photons between ECAL barrel and endcap.

    Args:
        eta: eta of the superclusters, any shape.

    Examples:
        >>> in_ecal_transition(ak.Array([[0.5, -1.5], [1.6]])).tolist()
        [[False, True], [False]]
    """
    low, high = ECAL_TRANSITION
    return (abs(eta) >= low) & (abs(eta) <= high)


def merged_leptons(collections: Sequence[ak.Array], fields: Sequence[str] = LEPTON_FIELDS) -> ak.Array:
    """Return leptons of several flavours in one collection, in descending order of pt.

    Args:
        collections: jagged records, e.g. the selected muons and electrons, each of shape (n events, n leptons).
        fields: common fields to include; each is computed on first access.

    Returns:
        Shape (n events, total n leptons). Leptons of equal pt stay in the order of the collections.
    """
    counts = [counts_of(leptons["pt"]) for leptons in collections]
    total = np.sum(counts, axis=0)
    first, places = starts_of(total), []
    for number in counts:
        places.append(np.repeat(first - starts_of(number), number) + np.arange(number.sum()))
        first = first + number

    def merged(name: str) -> Callable[[], Any]:
        def values() -> Any:
            columns = [flat_values(leptons[name]) for leptons in collections]
            column = np.empty(total.sum(), dtype=np.result_type(*columns))
            for place, part in zip(places, columns, strict=True):
                column[place] = part
            return column

        return values

    columns = []
    for name in fields:
        types = [elements_of(leptons[name]).type.content.primitive for leptons in collections]
        columns.append(lazy_column(name, int(total.sum()), np.result_type(*types), merged(name)).layout)
    records = ak.contents.RecordArray(columns, list(fields), parameters={"__record__": "PtEtaPhiMCandidate"})
    return by_descending(to_lists(records, total, collections[0].behavior), "pt")
