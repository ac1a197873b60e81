"""Public names of :mod:`pocket.objects`, loaded when they are used."""

from .btag import (
    CCsorted as CCsorted,
)
from .btag import (
    CvsLsorted as CvsLsorted,
)
from .btag import (
    ProbBsorted as ProbBsorted,
)
from .btag import (
    btagging as btagging,
)
from .btag import (
    is_tagged as is_tagged,
)
from .gen_objects import (
    getGenJets as getGenJets,
)
from .gen_objects import (
    getGenLeptons as getGenLeptons,
)
from .gen_objects import (
    value_at as value_at,
)
from .jets import jet_selection as jet_selection
from .jets import jets_in_original_order as jets_in_original_order
from .leptons import (
    lepton_selection as lepton_selection,
)
from .leptons import (
    merged_leptons as merged_leptons,
)
from .matching import (
    delta_r as delta_r,
)
from .matching import (
    delta_r_table as delta_r_table,
)
from .matching import (
    distance_to_nearest as distance_to_nearest,
)
from .matching import (
    trigger_match as trigger_match,
)
from .metrics import delta_phi as delta_phi
from .metrics import metric_eta as metric_eta
from .metrics import metric_phi as metric_phi
from .metrics import metric_pt as metric_pt
from .nanoaod import (
    jet_id as jet_id,
)
from .nanoaod import (
    met as met,
)
from .nanoaod import (
    rho as rho,
)
from .object_matching import (
    deltaR_matching_nonunique as deltaR_matching_nonunique,
)
from .object_matching import (
    object_matching as object_matching,
)
from .pairs import (
    get_diboson as get_diboson,
)
from .pairs import (
    get_dijet as get_dijet,
)
from .pairs import (
    get_dilepton as get_dilepton,
)
from .pairs import (
    tag_and_probe_pairs as tag_and_probe_pairs,
)
from .partons import (
    Provenance as Provenance,
)
from .partons import (
    hard_process_partons as hard_process_partons,
)
from .partons import (
    match_partons as match_partons,
)
from .photons import photon_selection as photon_selection
from .special_leptons import get_charged_leptons as get_charged_leptons
from .special_leptons import lepton_selection_promptMVA as lepton_selection_promptMVA
from .special_leptons import soft_lepton_selection as soft_lepton_selection
