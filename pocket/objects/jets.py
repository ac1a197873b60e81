"""Selection of jets, with removal of leptons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak

from pocket.base.arrays.fields import branch, collection
from pocket.base.arrays.jagged import ObjectColumns, select_objects
from pocket.errors import UnknownNameError
from pocket.io.nanoaod.version import nano_version
from pocket.objects.matching import distance_to_nearest
from pocket.objects.nanoaod import has_pileup_id, identification
from pocket.parameters.access import limit, parameter

#: Field of jets sorted by their calibrated pt: the position of each in the file.
ORIGINAL_POSITION = "pocket_sortidx"
#: Tagger of AK4 jets → common name of a score in :func:`jet_selection` → the tagger's score.
JET_TAGGERS = {
    tagger: {f"btag{score}": f"btag{branch_name}{score}" for score in ("B", "CvL", "CvB")}
    for tagger, branch_name in (
        ("DeepFlav", "DeepFlav"),
        ("PNet", "PNet"),
        ("RobustParT", "RobustParTAK4"),
        ("UParT", "UParTAK4"),
    )
}
#: Tagger of AK8 jets → common name of a score → the tagger's score of two quarks against QCD.
FATJET_TAGGERS = {
    "PNet": {"btagBB": "particleNetWithMass_HbbvsQCD", "btagCC": "particleNetWithMass_HccvsQCD"},
    "PNetMD": {"btagBB": "particleNet_XbbVsQCD", "btagCC": "particleNet_XccVsQCD"},
}


def jet_selection(
    events: ak.Array, jet_type: str, params: Any, year: str, leptons_collection: str = "", jet_tagger: str = ""
) -> tuple[ak.Array, ak.Array]:
    """Return the jets that pass ``object_preselection.{jet_type}``, and the mask of them.

    Its keys are ``pt`` and ``eta`` (exclusive limits on pt in GeV and on |eta|), ``jetId`` (lowest value of
    :func:`~pocket.objects.nanoaod.jet_id`), ``dr_lepton`` (jets this close to any lepton are dropped) and optionally
    ``msd`` (exclusive lower limit on the soft-drop mass in GeV, for fat jets), ``puId``: the working point ``wp``
    for jets with pt below ``maxpt``, for years in ``jet_scale_factors.jet_puId`` and events with CHS jets,
    ``jetId_file`` (true for the identification by JetMET's file, ``jet_scale_factors.jet_id.{year}``, since NanoAODv13)
    and ``vetoMap`` (``loose`` or ``tight_lepton_veto``): jets that :func:`~pocket.objects.vetoed_jets` finds are
    dropped.

    Args:
        events: events with the collections ``jet_type`` and ``leptons_collection``.
        jet_type: collection to select from, e.g. ``"Jet"``; AK8 jets if it begins with ``"FatJet"``.
        params: parameters of the analysis.
        year: data-taking period.
        leptons_collection: leptons that overlapping jets are removed for; none if empty.
        jet_tagger: key of :data:`JET_TAGGERS` or :data:`FATJET_TAGGERS`; adds the scores of this tagger as ``btagB``,
            ``btagCvL`` and ``btagCvB``, for fat jets as ``btagBB`` and ``btagCC``.

    Returns:
        The selected jets, shape (n events, n selected), and their mask, shape (n events, n jets).

    Raises:
        UnknownNameError: for a missing collection or parameter, or an unknown tagger.
        MissingBranchError: if the jets don't have the identification or score.
        ConfigError: if a limit isn't a number.
    """
    columns = ObjectColumns(collection(events, jet_type))
    jets = columns.objects
    path = ("object_preselection", jet_type)
    cuts = parameter(params, *path)
    file = str(parameter(params, "jet_scale_factors", "jet_id", year)) if cuts.get("jetId_file") else None
    passes_id = identification(jets, nano_version(events), jet_type, file)
    good = (
        (columns["pt"] > limit(params, *path, "pt"))
        & (abs(columns["eta"]) < limit(params, *path, "eta"))
        & (columns.flat(passes_id) >= limit(params, *path, "jetId"))
    )
    if leptons_collection:
        distance = distance_to_nearest(jets, collection(events, leptons_collection))
        good = good & (columns.flat(distance) > limit(params, *path, "dr_lepton"))
    if "puId" in cuts and has_pileup_id(events) and year in parameter(params, "jet_scale_factors", "jet_puId"):
        lowest = parameter(params, "jet_scale_factors", "jet_puId", year, "working_point", cuts["puId"]["wp"])
        passes = columns.flat(branch(jets, "puId", jet_type)) >= lowest
        good = good & (passes | (columns["pt"] >= cuts["puId"]["maxpt"]))
    if "msd" in cuts:
        good = good & (columns.flat(branch(jets, "msoftdrop", jet_type)) > limit(params, *path, "msd"))
    if cuts.get("vetoMap"):
        # Analyses without the maps aren't run again when the code of corrections changes.
        from pocket.objects.jet_veto import vetoed_jets

        good = good & ~columns.flat(vetoed_jets(events, params, year, jet_type, str(cuts["vetoMap"])))
    good = columns.lists(good)
    selected = select_objects(jets, good)
    if jet_tagger:
        taggers = FATJET_TAGGERS if jet_type.startswith("FatJet") else JET_TAGGERS
        for name, score in _scores(taggers, jet_tagger).items():
            selected = ak.with_field(selected, branch(selected, score, jet_type), name)
    return selected, good


def jets_in_original_order(jets: ak.Array, sortidx_field: str = ORIGINAL_POSITION) -> ak.Array:
    """Return jets in their order in the file, if they have been sorted by their calibrated pt.

    ``Muon.jetIdx`` and ``Electron.jetIdx`` are positions in the file, but :class:`~pocket.calibrators.JetsCalibrator`
    sorts the jets.

    Args:
        jets: all jets of a collection, jagged records.
        sortidx_field: field with the position of each jet in the file; jets without it are returned as they are.

    Returns:
        The same jets, shape (n events, n jets).

    Examples:
        >>> import awkward as ak
        >>> jets = ak.Array([[{"pt": 50.0, "pocket_sortidx": 1}, {"pt": 40.0, "pocket_sortidx": 0}]])
        >>> jets_in_original_order(jets).pt.to_list()
        [[40.0, 50.0]]
    """
    return jets[ak.argsort(jets[sortidx_field], axis=1)] if sortidx_field in jets.fields else jets


def _scores(taggers: Mapping[str, Mapping[str, str]], name: str) -> Mapping[str, str]:
    if name not in taggers:
        raise UnknownNameError("jet tagger", name, taggers, "jet_selection")
    return taggers[name]
