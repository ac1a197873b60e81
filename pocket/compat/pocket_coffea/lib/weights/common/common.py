"""Names of ``pocket_coffea.lib.weights.common.common``."""

from pocket.compat.common_weights import common_weights
from pocket.compat.photon_weights import PhotonId as SF_pho_id
from pocket.compat.photon_weights import PhotonPixelSeed as SF_pho_pxseed
from pocket.compat.photon_weights import sf_photon
from pocket.compat.prompt_mva import ElectronPromptMVA as SF_ele_promptMVA
from pocket.compat.prompt_mva import MuonPromptMVA as SF_mu_promptMVA
from pocket.compat.prompt_mva import sf_ele_promptmva, sf_mu_promptmva
from pocket.compat.tagging import BTagShape as SF_btag
from pocket.compat.tagging import CTagCalibration as SF_ctag_calib
from pocket.compat.tagging import CTagShape as SF_ctag
from pocket.compat.tagging import sf_btag, sf_btag_calib, sf_ctag, sf_ctag_calib
from pocket.compat.weight_classes import WeightLambda, WeightWrapper
from pocket.compat.weights import (
    sf_ele_id,
    sf_ele_reco,
    sf_ele_trigger,
    sf_jet_puId,
    sf_L1prefiring,
    sf_mu,
    sf_partonshower_fsr,
    sf_partonshower_isr,
    sf_pileup_reweight,
)
from pocket.weights.base import WeightData, WeightDataMultiVariation
from pocket.weights.btag import BTagCalibration as SF_btag_calib
from pocket.weights.event import CrossSection as XS
from pocket.weights.event import GenWeight as genWeight
from pocket.weights.event import L1Prefiring as SF_L1prefiring
from pocket.weights.event import Lumi as lumi
from pocket.weights.event import Pileup as pileup
from pocket.weights.event import SignOfGenWeight as signOfGenWeight
from pocket.weights.jets import JetPileupId as SF_jet_puId
from pocket.weights.leptons import ElectronId as SF_ele_id
from pocket.weights.leptons import ElectronReco as SF_ele_reco
from pocket.weights.leptons import ElectronTrigger as SF_ele_trigger
from pocket.weights.leptons import MuonId as SF_mu_id
from pocket.weights.leptons import MuonIso as SF_mu_iso
from pocket.weights.leptons import MuonTrigger as SF_mu_trigger
from pocket.weights.theory import PartonShowerFSR as SF_PSWeight_fsr
from pocket.weights.theory import PartonShowerISR as SF_PSWeight_isr
