"""Z→μμ: muon efficiencies by tag and probe, the transverse momentum of the Z, and their effect on dimuon spectra.

``tnp``, ``trigger_eff`` and ``dy_pt`` fill the templates of the three scale factors, each with the previous ones
applied. ``id_probes`` and ``trigger_probes`` count all simulated muons, whose efficiencies those of the pairs must be.
``tnp_closure`` and ``trigger_closure`` fill the templates of the first two again, with the measured scale factors
applied. ``nominal`` fills the spectra without and ``calibrated`` the spectra with the scale factors;
``calibrated_root`` gives the error of their ratio. ``real_samples`` runs the same selection on small real NanoAOD
files.
"""

from analysis.zmumu import config, scale_factors, statistics
from pocket import Analysis, Comparison

analysis = Analysis(
    name="zmumu",
    configs={**config.on_toys, "real_samples": config.real_samples},
    scale_factors={
        "muon_id": scale_factors.muon_id,
        "trigger": scale_factors.trigger,
        "dy_pt": scale_factors.dy_pt,
    },
    default_config="calibrated",
    compare={"calibrated": Comparison("nominal", covariance_config="calibrated_root")},
    # With half of the toys there are too few muons, so a fit of the systematics fails.
    least_toys=1.0,
    models={"z_xsec": statistics.by_mass, "z_xsec_count": statistics.by_count},
)
