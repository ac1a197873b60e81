"""tt̄ → lepton+jets: one selection in configurations of growing size.

``small``, ``medium`` and ``large`` differ in the numbers of weight variations, of subsamples of tt̄, and of categories.
Each of the others shows one feature: ``shapes`` varies energies, ``columns`` exports columns, ``differential`` has a
category for every combination of bins, ``jet_eta`` has categories of jets instead of events, and ``classified`` has the
scores of trained models. ``btag_jets`` and ``btag_norm`` fill the templates for scale factors of b tagging,
``btag_closure`` and ``btag_calibrated`` apply them.
"""

from analysis.ttbar import config, scale_factors, statistics, tagging
from pocket import Analysis, Skim

analysis = Analysis(
    name="ttbar",
    configs={
        "small": config.small,
        "medium": config.medium,
        "large": config.large,
        "shapes": config.shapes,
        "columns": config.columns,
        "differential": config.differential,
        "jet_eta": config.jet_eta,
        "classified": config.classified,
        **tagging.on_toys,
    },
    scale_factors={
        "btag_efficiency": scale_factors.btag_efficiency,
        "btag_wp": scale_factors.btag_wp,
        "btag_norm": scale_factors.btag_norm,
    },
    # Measurements in many categories run repeatedly, so they start from the few events that pass.
    skims={"differential": Skim(config="differential", mode="presel_any_variation")},
    default_config="medium",
    models={"tt_xsec": statistics.tt_xsec},
)
