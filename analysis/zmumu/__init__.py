"""Z→μμ: muon efficiencies by tag and probe, and what they do to the dimuon spectra.

``tnp`` and ``trigger_eff`` fill the templates of the two scale factors, ``nominal`` the spectra without and
``calibrated`` the spectra with them; ``real_samples`` runs the same selection on small real NanoAOD files.
"""

from analysis.zmumu import config, scale_factors
from pocket.analysis import Analysis

analysis = Analysis(
    name="zmumu",
    configs={
        "tnp": config.tnp,
        "trigger_eff": config.trigger_eff,
        "nominal": config.nominal,
        "calibrated": config.calibrated,
        "real_samples": config.real_samples,
    },
    scale_factors={"muon_id": scale_factors.muon_id, "trigger": scale_factors.trigger},
    default_config="calibrated",
    compare={"calibrated": "nominal"},
)
