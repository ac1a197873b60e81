"""Public names of :mod:`pocket.objects`, loaded when they are used."""

from .btag import (
    CCsorted as CCsorted,
    CvsLsorted as CvsLsorted,
    ProbBsorted as ProbBsorted,
    btagging as btagging,
    is_tagged as is_tagged,
)
from .gen_objects import (
    getGenJets as getGenJets,
    getGenLeptons as getGenLeptons,
    value_at as value_at,
)
from .gen_photons import prompt_photons as prompt_photons
from .hem import affected_by_hem as affected_by_hem, event_share as event_share, in_hem as in_hem
from .jet_veto import vetoed_jets as vetoed_jets
from .jets import (
    jet_selection as jet_selection,
    jets_in_original_order as jets_in_original_order,
)
from .leptons import (
    in_ecal_transition as in_ecal_transition,
    lepton_selection as lepton_selection,
    merged_leptons as merged_leptons,
)
from .matching import (
    delta_phi as delta_phi,
    delta_r as delta_r,
    delta_r_table as delta_r_table,
    distance_to_nearest as distance_to_nearest,
    metric_eta as metric_eta,
    metric_phi as metric_phi,
    metric_pt as metric_pt,
    trigger_match as trigger_match,
)
from .nanoaod import (
    jet_id as jet_id,
    lepton_id as lepton_id,
    met as met,
    rho as rho,
    supercluster_eta as supercluster_eta,
)
from .object_matching import (
    deltaR_matching_nonunique as deltaR_matching_nonunique,
    object_matching as object_matching,
)
from .pairs import (
    get_diboson as get_diboson,
    get_dijet as get_dijet,
    get_dilepton as get_dilepton,
    in_tag_and_probe_pairs as in_tag_and_probe_pairs,
    tag_and_probe_pairs as tag_and_probe_pairs,
)
from .partons import (
    Provenance as Provenance,
    hard_process_partons as hard_process_partons,
    match_partons as match_partons,
)
from .photons import (
    photon_selection as photon_selection,
    photon_supercluster_eta as photon_supercluster_eta,
)
from .special_leptons import get_charged_leptons as get_charged_leptons
from .special_leptons import lepton_selection_promptMVA as lepton_selection_promptMVA
from .special_leptons import soft_lepton_selection as soft_lepton_selection
from .taus import tau_selection as tau_selection
