"""Z→ee: efficiency of the electron identification by tag and probe, and its effect on dielectron spectra.

``tnp`` fills the templates of the scale factor, and ``tnp_closure`` fills them again with it applied. ``nominal`` fills
the spectra without and ``calibrated`` the spectra with the scale factor; ``calibrated_root`` gives the error of their
ratio.
"""

from analysis.zee import config, scale_factors
from pocket import Analysis, Comparison

analysis = Analysis(
    name="zee",
    configs={
        "tnp": config.tnp,
        "tnp_closure": config.tnp_closure,
        "nominal": config.nominal,
        "calibrated": config.calibrated,
        "calibrated_root": config.calibrated_root,
    },
    scale_factors={"electron_id": scale_factors.electron_id},
    default_config="calibrated",
    compare={"calibrated": Comparison("nominal", covariance_config="calibrated_root")},
    # With half of the toys there are too few electrons, so a fit of the systematics fails.
    least_toys=1.0,
)
