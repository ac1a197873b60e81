"""Z→μμ: muon efficiencies by tag and probe, the transverse momentum of the Z, and what they do to the dimuon spectra.

``tnp``, ``trigger_eff`` and ``dy_pt`` fill the templates of the three scale factors, each with those before it applied;
``tnp_closure`` and ``trigger_closure`` fill those of the first two again, with what was measured in them;
``nominal`` fills the spectra without and ``calibrated`` the spectra with them, ``calibrated_root`` what the error of
their ratio needs; ``real_samples`` runs the same selection on small real NanoAOD files.
"""

from analysis.zmumu import config, scale_factors
from pocket.configuration.analysis import Analysis
from pocket.configuration.comparison import Comparison

analysis = Analysis(
    name="zmumu",
    configs={
        "tnp": config.tnp,
        "tnp_closure": config.tnp_closure,
        "trigger_eff": config.trigger_eff,
        "trigger_closure": config.trigger_closure,
        "dy_pt": config.dy_pt,
        "nominal": config.nominal,
        "calibrated": config.calibrated,
        "calibrated_root": config.calibrated_root,
        "real_samples": config.real_samples,
    },
    scale_factors={
        "muon_id": scale_factors.muon_id,
        "trigger": scale_factors.trigger,
        "dy_pt": scale_factors.dy_pt,
    },
    default_config="calibrated",
    compare={"calibrated": Comparison("nominal", covariance_config="calibrated_root")},
    # with half of them a fit of the systematics fails, for lack of muons
    least_toys=1.0,
)
