"""Z→μμ on toys of 2022 and 2023: the selection and the chain of ``zmumu`` with the parameters of these years.

The scale factors are measured and applied in each year. ``calibrated`` has the spectra of both years together with the
scale factors, ``calibrated_2022_preEE`` and ``calibrated_2023_preBPix`` those of one; ``nominal`` is without.
"""

from analysis.zmumu_run3 import config, scale_factors
from pocket import Analysis, Comparison

analysis = Analysis(
    name="zmumu_run3",
    configs={**config.both, **config.single},
    scale_factors={
        "muon_id": scale_factors.muon_id,
        "trigger": scale_factors.trigger,
        "dy_pt": scale_factors.dy_pt,
    },
    default_config="calibrated",
    compare={"calibrated": Comparison("nominal", covariance_config="calibrated_root")},
    # With fewer toys there are too few muons, so a fit of the systematics fails.
    least_toys=0.3,
)
