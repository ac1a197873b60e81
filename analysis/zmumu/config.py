"""Configurations of the Z→μμ analysis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from analysis.zmumu.cuts import get_dimuon, tag_probe_pair
from analysis.zmumu.workflow import TagAndProbeProcessor, ZmumuProcessor
from pocket.configurator import Configurator
from pocket.cut_functions import eventFlags, get_HLTsel, get_nObj_min, get_nPVgood, goldenJson, passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.factories import count_hist, muon_hists
from pocket.parameters import defaults
from pocket.weights import WeightWrapper
from pocket.weights.derived import ScaleFactorWeight

FOLDER = Path(__file__).parent / "params"

parameters = defaults.merge_parameters_from_files(
    defaults.get_default_parameters(), FOLDER / "selection.yaml", FOLDER / "plotting.yaml", update=True
)
real_parameters = defaults.merge_parameters_from_files(parameters, FOLDER / "real_samples.yaml", update=True)

toys = {"jsons": ["datasets/toys.json"]}
skim = [get_nPVgood(1), eventFlags, goldenJson, get_HLTsel(["SingleMuon"]), get_nObj_min(2, 20.0, "Muon")]
simulation_weights = ["genWeight", "lumi", "XS", "pileup"]

# bins of the efficiencies; the trigger's are fine where it turns on
ABSETA = (0.0, 0.9, 1.2, 2.1, 2.4)
ID_PT = (24, 30, 40, 50, 60, 120)
TRIGGER_PT = (24, 26, 27, 28, 29, 30, 32, 35, 40, 50, 60, 120)
TRIGGER_ABSETA = (0.0, 1.2, 2.4)

derived_weights = (
    ScaleFactorWeight.wrap("sf_mu_id", scale_factor="muon_id", collection="MuonGood"),
    ScaleFactorWeight.wrap("sf_mu_trigger", scale_factor="trigger", collection="MuonGood", combine="any"),
)


def probe_axes(pt: Sequence[float], abseta: Sequence[float]) -> list[Axis]:
    """Return the axes of a probe's efficiency."""
    return [
        Axis(coll="TagProbe", field="probe_passing", name="passing", type="integer", start=0, stop=2, label="Passing"),
        Axis(coll="TagProbe", field="probe_pt", name="pt", bins=pt, label="Probe $p_T$ [GeV]"),
        Axis(coll="TagProbe", field="probe_abseta", name="abseta", bins=abseta, label=r"Probe $|\eta|$"),
    ]


def pair_mass(bins: int, start: float, stop: float) -> Axis:
    """Return the axis of the tag-and-probe pair's mass, in GeV."""
    return Axis(
        coll="TagProbe", field="mass", name="mass", bins=bins, start=start, stop=stop, label="$m_{tag,probe}$ [GeV]"
    )


def dilepton_axis(field: str, bins: int, start: float, stop: float, label: str) -> Axis:
    """Return an axis of the dimuon system."""
    return Axis(coll="ll", field=field, bins=bins, start=start, stop=stop, label=label)


def tag_and_probe(measure: str, variables: dict[str, HistConf]) -> Configurator:
    """Return a configuration that fills tag-and-probe templates."""
    return Configurator(
        parameters=parameters,
        datasets=toys,
        workflow=TagAndProbeProcessor,
        workflow_options={"measure": measure},
        skim=skim,
        preselections=[tag_probe_pair],
        categories={"pairs": [passthrough]},
        weights={"common": {"inclusive": simulation_weights}},
        variables=variables,
    )


def spectra(
    params: DictConfig,
    datasets: dict[str, Any],
    skim_cuts: Sequence[Any],
    weights: Sequence[str],
    variations: Sequence[str] = (),
    weights_classes: Sequence[type[WeightWrapper]] = (),
) -> Configurator:
    """Return a configuration that fills the dimuon spectra."""
    window = params.dimuon
    low, high = window.mass_low, window.mass_high
    muon_pt = {"muon_pt": {"bins": 48, "start": 24, "stop": 120, "lim": (24, 120)}}
    return Configurator(
        parameters=params,
        datasets=datasets,
        workflow=ZmumuProcessor,
        skim=skim_cuts,
        preselections=[get_dimuon(window.leading_pt, low, high)],
        categories={"baseline": [passthrough]},
        weights_classes=weights_classes,
        weights={"common": {"inclusive": list(weights)}},
        variations={"weights": {"common": {"inclusive": list(variations)}}},
        variables={
            "mll": HistConf(
                [Axis(coll="ll", field="mass", bins=60, start=low, stop=high, label=r"$m_{\mu\mu}$ [GeV]")]
            ),
            "ptll": HistConf([Axis(coll="ll", field="pt", bins=50, start=0, stop=150, label=r"$p_T^{\mu\mu}$ [GeV]")]),
            **muon_hists(fields=("pt", "eta"), axis_settings=muon_pt),
            **muon_hists(pos=0, fields=("pt", "eta"), axis_settings=muon_pt),
            **muon_hists(pos=1, fields=("pt", "eta"), axis_settings=muon_pt),
            **count_hist("JetGood", bins=8, start=0, stop=8, label="Number of jets"),
            "npvs": HistConf([Axis(coll="PV", field="npvsGood", bins=60, start=0, stop=60, label="Good vertices")]),
        },
    )


tnp = tag_and_probe("id", {"tnp_mass": HistConf([pair_mass(60, 60, 120), *probe_axes(ID_PT, ABSETA)])})
trigger_eff = tag_and_probe(
    "trigger",
    {
        "pair_mass": HistConf([pair_mass(60, 60, 120)]),
        "trigger_probes": HistConf(probe_axes(TRIGGER_PT, TRIGGER_ABSETA)),
    },
)
nominal = spectra(parameters, toys, skim, simulation_weights, ["pileup"])
calibrated = spectra(
    parameters,
    toys,
    skim,
    [*simulation_weights, "sf_mu_id", "sf_mu_trigger"],
    ["pileup", "sf_mu_id", "sf_mu_trigger"],
    derived_weights,
)
real_samples = spectra(
    real_parameters,
    {"jsons": ["datasets/real_samples.json"]},
    [get_nPVgood(1), eventFlags, get_HLTsel(["DoubleMuon"]), get_nObj_min(2, 4.0, "Muon")],
    ["genWeight", "lumi", "XS"],
)
