"""tt̄ → lepton+jets on toys of 2022 and 2023: selection and chain of ``ttbar`` with the parameters of these years.

The scale factors of b tagging are measured and applied in each year. ``btag_calibrated`` has the spectra of both years
together, ``btag_calibrated_2022_preEE`` and ``btag_calibrated_2023_preBPix`` those of one. ``medium`` has the weights
of leptons and of b tagging, all from the corrections that belong to the toys.
"""

from analysis.ttbar_run3 import config, scale_factors
from pocket import Analysis

analysis = Analysis(
    name="ttbar_run3",
    configs={**config.both, **config.single, "medium": config.medium},
    scale_factors={
        "btag_efficiency": scale_factors.btag_efficiency,
        "btag_wp": scale_factors.btag_wp,
        "btag_norm": scale_factors.btag_norm,
    },
    default_config="btag_calibrated",
)
