"""Names of ``pocket_coffea.lib.scale_factors``."""

from pocket.compat.objects import load_correction_set
from pocket.compat.photon_weights import sf_photon
from pocket.compat.prompt_mva import sf_ele_promptmva, sf_mu_promptmva
from pocket.compat.tagging import sf_btag, sf_btag_calib, sf_ctag, sf_ctag_calib
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
