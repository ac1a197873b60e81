"""Configurations in which scale factors of b tagging are measured and applied, without any cut on b tags.

``btag_jets`` has the jets of each flavour that pass and fail the working point, ``btag_norm`` the yields with and
without the reweighting of the score, ``btag_closure`` both again with the measured scale factors applied, and
``btag_calibrated`` the spectra.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.ttbar import config
from analysis.ttbar.cuts import get_semileptonic
from analysis.ttbar.scale_factors import DATA
from analysis.ttbar.workflow import JetTaggingProcessor
from pocket import Axis, Configurator, Cut, HistConf
from pocket.cuts import get_nObj_min, passthrough
from pocket.histograms import count_hist
from pocket.parameters import defaults
from pocket.weights import SHAPE_VARIATIONS, BTagShape, FixedWorkingPointWeight, ScaleFactorWeight, SquareRoot

JETS_PT = (30, 50, 70, 100, 140, 200, 300)
#: edges of the secondary vertices' mass in GeV; the first bin has the jets without vertices
SV_MASS = (-2, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6)
NJET = (4, 5, 6, 7, 8)
HT = (120, 200, 300, 400)

# These configurations use all uncertainties of the score.
parameters = defaults.merge_parameters(
    config.parameters,
    {"systematic_variations": {"weight_variations": {"sf_btag": {"toys": list(SHAPE_VARIATIONS)}}}},
    update=True,
)

sf_btag_wp = FixedWorkingPointWeight.wrap(
    "sf_btag_wp", efficiency="btag_efficiency", scale_factor="btag_wp", collection="JetGood", tagged="tagged"
)
#: weights with the scale factors of the chain, and the square roots that their errors need
derived_weights = (
    sf_btag_wp,
    SquareRoot.wrap("root_sf_btag_wp", sf_btag_wp),
    ScaleFactorWeight.wrap(
        "sf_btag_norm", scale_factor="btag_norm", inputs={"njet": "nJetGood", "ht": "HT"}, follows="sf_btag"
    ),
    SquareRoot.wrap("root_sf_btag", BTagShape),
)


def select(jets: int) -> list[Cut]:
    """Return the preselection with a minimum number of jets and any number of b tags."""
    return [get_semileptonic({**parameters.semileptonic, "jets": jets, "btags": 0})]


def flow(
    categories: Mapping[str, Sequence[Cut]],
    weights: Mapping[str, Sequence[str]],
    variations: Sequence[str],
    **settings: Any,
) -> Configurator:
    """Return a configuration of the selected events before any b tag.

    Args:
        categories: the categories.
        weights: category → names of its b-tagging weights.
        variations: names of weights that are varied in the categories that apply them.
        **settings: settings as in :func:`analysis.ttbar.config.flow`.
    """
    usual: dict[str, Any] = {
        "parameters": parameters,
        "preselections": select(parameters.semileptonic.jets),
        "weights_classes": derived_weights,
        "weights": {
            "common": {
                "inclusive": ["genWeight", "lumi", "XS", "pileup", *config.lepton_scale_factors],
                "bycategory": weights,
            }
        },
    }
    return config.flow(categories, variations, **usual | settings)


def jet_axis(field: str, **settings: Any) -> Axis:
    """Return an axis of the jets that is named like its field."""
    return Axis(coll="JetGood", field=field, name=field, **settings)


jet_tagging = {
    "tagging": HistConf(
        [
            jet_axis("passing", type="integer", start=0, stop=2, label="b tagged"),
            # Jets in data have no flavour, so they are outside of the axis.
            jet_axis("flavor", type="intcat", bins=[0, 4, 5], label="Hadron flavour"),
            jet_axis("pt", bins=JETS_PT, label="Jet $p_T$ [GeV]"),
            jet_axis("abseta", bins=(0.0, 1.2, 2.4), label=r"Jet $|\eta|$"),
            jet_axis("sv_mass", bins=SV_MASS, label="Mass of the secondary vertex [GeV]"),
        ]
    )
}
njet_ht = {
    "njet_ht": HistConf(
        [
            Axis(field="nJetGood", name="njet", bins=NJET, label="Number of jets"),
            Axis(field="HT", name="ht", bins=HT, label="$H_T$ [GeV]"),
        ]
    )
}
every = (passthrough,)


def chain(datasets: Mapping[str, Any], **settings: Any) -> dict[str, Configurator]:
    """Return the configurations in which scale factors are measured and applied.

    Args:
        datasets: datasets, whose filter doesn't exclude samples.
        **settings: settings of all configurations, as in :func:`flow`.
    """
    settings |= {"datasets": datasets}
    # The measurement of the normalisation doesn't use data.
    simulation = {**datasets, "filter": {**datasets.get("filter", {}), "samples_exclude": list(DATA)}}
    return {
        # The category with fewer jets also has b jets of W + jets.
        "btag_jets": flow(
            {"2j": every, "4j": [get_nObj_min(parameters.semileptonic.jets)]},
            {},
            ["pileup"],
            workflow=JetTaggingProcessor,
            preselections=select(2),
            variables=jet_tagging,
            **settings,
        ),
        "btag_norm": flow(
            {"no_btagSF": every, "btagSF": every, "root_btagSF": every},
            {"btagSF": ["sf_btag"], "root_btagSF": ["root_sf_btag"]},
            ["sf_btag"],
            variables=njet_ht,
            **settings | {"datasets": simulation},
        ),
        "btag_closure": flow(
            {"no_btagSF": every, "btagSF_calib": every, "btagWP": every, "root_btagWP": every},
            {"btagSF_calib": ["sf_btag", "sf_btag_norm"], "btagWP": ["sf_btag_wp"], "root_btagWP": ["root_sf_btag_wp"]},
            ["pileup", "sf_btag"],
            workflow=JetTaggingProcessor,
            variables={**jet_tagging, **njet_ht},
            **settings,
        ),
        # The reweighting of the score and the weight of the working point should agree.
        "btag_calibrated": flow(
            {"no_btagSF": every, "btagSF": every, "btagSF_calib": every, "btagWP": every},
            {"btagSF": ["sf_btag"], "btagSF_calib": ["sf_btag", "sf_btag_norm"], "btagWP": ["sf_btag_wp"]},
            ["pileup", "sf_btag", "sf_btag_wp"],
            variables={
                **config.n_jets(),
                **count_hist("BJetGood", bins=5, start=0, stop=5, label="Number of b-tagged jets"),
                "HT": HistConf([Axis(field="HT", bins=40, start=120, stop=920, label="$H_T$ [GeV]")]),
                **config.jet_pt,
            },
            **settings,
        ),
    }


on_toys = chain({"jsons": ["datasets/toys.json"]})
