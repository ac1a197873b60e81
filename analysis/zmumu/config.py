"""Configurations of the Z→μμ analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from omegaconf import DictConfig

from analysis.zmumu.cuts import get_dimuon, get_on_peak, get_tag_pt, tag_probe_pair
from analysis.zmumu.workflow import TagAndProbeProcessor, ZmumuProcessor
from pocket import Axis, Configurator, Cut, HistConf, square_roots
from pocket.cuts import (
    eventFlags,
    get_event_number,
    get_HLTsel,
    get_nObj_less,
    get_nObj_min,
    get_nPVgood,
    goldenJson,
    passthrough,
)
from pocket.histograms import count_hist, muon_hists
from pocket.parameters import defaults
from pocket.weights import ScaleFactorWeight

FOLDER = Path(__file__).parent / "params"

parameters = defaults.merge_parameters_from_files(
    defaults.get_default_parameters(), FOLDER / "selection.yaml", FOLDER / "plotting.yaml", update=True
)
real_parameters = defaults.merge_parameters_from_files(parameters, FOLDER / "real_samples.yaml", update=True)

toys = {"jsons": ["datasets/toys.json"]}
skim = [get_nPVgood(1), eventFlags, goldenJson, get_HLTsel(["SingleMuon"]), get_nObj_min(2, 20.0, "Muon")]
simulation_weights = ["genWeight", "lumi", "XS", "pileup"]

# The bins of the trigger efficiency are fine in its turn-on.
ABSETA = (0.0, 0.9, 1.2, 2.1, 2.4)
ID_PT = (24, 30, 40, 50, 60, 120)
TRIGGER_PT = (24, 26, 27, 28, 29, 30, 32, 35, 40, 50, 60, 120)
TRIGGER_ABSETA = (0.0, 1.2, 2.4)

# The edges of pT(ll) are in GeV; larger values count in the last bin.
DILEPTON_PT = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150)

DY = "DYJetsToMuMu"
#: halves of the events, by event number
HALVES = ("even", "odd")

muon_weights = ["sf_mu_id", "sf_mu_trigger"]


def derived_weights(years: int = 1) -> tuple[type[ScaleFactorWeight], ...]:
    """Return the weights with the scale factors of the chain.

    Args:
        years: number of years in which they are measured separately.
    """
    return (
        ScaleFactorWeight.wrap("sf_mu_id", scale_factor="muon_id", collection="MuonGood"),
        ScaleFactorWeight.wrap("sf_mu_trigger", scale_factor="trigger", collection="MuonGood", combine="any"),
        # These weights are for probes, which may fail.
        ScaleFactorWeight.wrap("sf_id_probes", scale_factor="muon_id", collection="MuonGood", passing="passes"),
        ScaleFactorWeight.wrap("sf_trigger_probes", scale_factor="trigger", collection="MuonGood", passing="passes"),
        # The statistical errors of the bins preserve the yield. A common shift of all bins would change it.
        ScaleFactorWeight.wrap(
            "sf_dy_pt",
            scale_factor="dy_pt",
            inputs={"ptll": "ll.pt"},
            variations=(*(f"stat{number + 1}" for number in range(years * (len(DILEPTON_PT) - 1))), "background"),
            follows="pileup",
        ),
    )


def probe_axes(pt: Sequence[float], abseta: Sequence[float], *, pairs: bool = True) -> list[Axis]:
    """Return the axes of a probe's efficiency, of pairs or of all simulated probes."""
    coll, prefix = ("TagProbe", "probe_") if pairs else ("Probe", "")
    flag: dict[str, Any] = {"name": "passing", "type": "integer", "start": 0, "stop": 2, "label": "Passing"}
    return [
        Axis(coll=coll, field=f"{prefix}passing", **flag),
        Axis(coll=coll, field=f"{prefix}pt", name="pt", bins=pt, label="Probe $p_T$ [GeV]"),
        Axis(coll=coll, field=f"{prefix}abseta", name="abseta", bins=abseta, label=r"Probe $|\eta|$"),
    ]


def pair_mass(bins: int, start: float, stop: float) -> Axis:
    """Return the axis of the tag-and-probe pair's mass, in GeV."""
    return Axis(
        coll="TagProbe", field="mass", name="mass", bins=bins, start=start, stop=stop, label="$m_{tag,probe}$ [GeV]"
    )


def tag_and_probe(
    measure: str,
    variables: dict[str, HistConf],
    categories: Mapping[str, Sequence[Cut]] = MappingProxyType({}),
    weights: Sequence[str] = (),
    variations: Sequence[str] = (),
    **events: Any,
) -> Configurator:
    """Return a configuration that fills tag-and-probe templates, from all pairs.

    Args:
        measure: efficiency to measure, ``id`` or ``trigger``.
        variables: histograms of the templates.
        categories: further categories.
        weights: names of further weights of simulation.
        variations: names of weights that are varied.
        **events: parameters, datasets, skim and classes of weights.
    """
    return Configurator(
        **events,
        workflow=TagAndProbeProcessor,
        workflow_options={"measure": measure},
        preselections=[tag_probe_pair],
        categories={"pairs": [passthrough], **categories},
        weights={"common": {"inclusive": [*simulation_weights, *weights]}},
        variations={"weights": {"common": {"inclusive": list(variations)}}},
        variables=variables,
    )


def all_probes(measure: str, pt: Sequence[float], abseta: Sequence[float], **events: Any) -> Configurator:
    """Return a configuration that counts all simulated probes, whether or not there is a tag or a trigger.

    Args:
        measure: efficiency, ``id`` or ``trigger``.
        pt: bins of the momentum, in GeV.
        abseta: bins of the pseudorapidity.
        **events: parameters and datasets.
    """
    return Configurator(
        **events,
        workflow=TagAndProbeProcessor,
        workflow_options={"measure": measure},
        skim=[get_nPVgood(1), eventFlags],
        categories={"all": [passthrough]},
        weights={"common": {"inclusive": simulation_weights}},
        variables={"all_probes": HistConf(probe_axes(pt, abseta, pairs=False))},
    )


def dimuon_variables(low: float, high: float) -> dict[str, HistConf]:
    """Return the histograms of the spectra in the category ``baseline``, with masses from ``low`` to ``high`` GeV."""
    muon_pt = {"muon_pt": {"bins": 48, "start": 24, "stop": 120, "lim": (24, 120)}}
    mass = Axis(coll="ll", field="mass", bins=60, start=low, stop=high, label=r"$m_{\mu\mu}$ [GeV]")
    pt = Axis(coll="ll", field="pt", bins=50, start=0, stop=150, label=r"$p_T^{\mu\mu}$ [GeV]")
    vertices = Axis(coll="PV", field="npvsGood", bins=60, start=0, stop=60, label="Good vertices")
    where = {"only_categories": ["baseline"]}
    return {
        **{name: HistConf([axis], **where) for name, axis in {"mll": mass, "ptll": pt}.items()},
        **muon_hists(fields=("pt", "eta"), axis_settings=muon_pt, **where),
        **muon_hists(pos=0, fields=("pt", "eta"), axis_settings=muon_pt, **where),
        **muon_hists(pos=1, fields=("pt", "eta"), axis_settings=muon_pt, **where),
        **count_hist("JetGood", bins=8, start=0, stop=8, label="Number of jets", **where),
        "npvs": HistConf([vertices], **where),
    }


def spectra(
    params: DictConfig,
    datasets: dict[str, Any],
    skim_cuts: Sequence[Cut],
    weights: Mapping[str, Any],
    variations: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Configurator:
    """Return a configuration that selects two muons and fills their spectra.

    Args:
        params: parameters.
        datasets: datasets.
        skim_cuts: cuts of the skim.
        weights: block of weights.
        variations: block of the weights that are varied.
        **settings: further arguments of the configuration, which may replace the usual ones.
    """
    window = params.dimuon
    usual: dict[str, Any] = {
        "parameters": params,
        "datasets": datasets,
        "workflow": ZmumuProcessor,
        "skim": skim_cuts,
        "preselections": [get_dimuon(window.leading_pt, window.mass_low, window.mass_high)],
        "categories": {"baseline": [passthrough]},
        "weights_classes": derived_weights(),
        "weights": weights,
        "variations": {"weights": variations or {}},
        "variables": dimuon_variables(window.mass_low, window.mass_high),
    }
    return Configurator(**usual | settings)


def chain(
    parameters: DictConfig, datasets: dict[str, Any], skim: Sequence[Cut], years: int = 1
) -> dict[str, Configurator]:
    """Return the configurations in which scale factors are measured and applied.

    Args:
        parameters: parameters.
        datasets: datasets.
        skim: cuts of the skim.
        years: number of years in which scale factors are measured separately.
    """
    classes = {"weights_classes": derived_weights(years)}
    events: dict[str, Any] = {"parameters": parameters, "datasets": datasets, "skim": skim, **classes}
    common = (parameters, datasets, skim)
    drell_yan = {**datasets, "filter": {**datasets.get("filter", {}), "samples": [DY]}}
    simulated: dict[str, Any] = {"parameters": parameters, "datasets": drell_yan}
    tight_tag = {"tight_tag": [get_tag_pt(parameters.tag_and_probe.tight_tag_pt)]}
    tnp_mass = {"tnp_mass": HistConf([pair_mass(60, 60, 120), *probe_axes(ID_PT, ABSETA)])}
    trigger_probes = {"trigger_probes": HistConf(probe_axes(TRIGGER_PT, TRIGGER_ABSETA))}
    # The momentum pT(ll) is measured in the peak, and its closure is tested in the halves.
    peak = {"peak": [get_on_peak(parameters.dimuon.peak, parameters.dimuon.peak_width)]}
    dilepton_pt = Axis(coll="ll", field="pt", name="ptll", bins=DILEPTON_PT, label=r"$p_T^{\mu\mu}$ [GeV]")
    before_and_after: dict[str, Any] = {
        **classes,
        "categories": {"baseline": [passthrough], **peak},
        "variables": {
            **dimuon_variables(parameters.dimuon.mass_low, parameters.dimuon.mass_high),
            "ptll_peak": HistConf([dilepton_pt], only_categories=list(peak)),
        },
    }
    nominal = spectra(
        *common,
        {"common": {"inclusive": simulation_weights}},
        {"common": {"inclusive": ["pileup"]}},
        **before_and_after,
    )
    calibrated = spectra(
        *common,
        {"common": {"inclusive": [*simulation_weights, *muon_weights]}, "bysample": {DY: {"inclusive": ["sf_dy_pt"]}}},
        {"common": {"inclusive": ["pileup", *muon_weights]}, "bysample": {DY: {"inclusive": ["sf_dy_pt"]}}},
        **before_and_after,
    )
    return {
        "tnp": tag_and_probe("id", tnp_mass, tight_tag, **events),
        # With the efficiencies of data applied, each measured scale factor is 1.
        "tnp_closure": tag_and_probe("id", tnp_mass, weights=["sf_id_probes"], **events),
        # The efficiencies of all muons, which those of the pairs must be.
        "id_probes": all_probes("id", ID_PT, ABSETA, **simulated),
        "trigger_probes": all_probes("trigger", TRIGGER_PT, TRIGGER_ABSETA, **simulated),
        # Both muons of a pair are identified, so each has the scale factor of the identification.
        "trigger_eff": tag_and_probe(
            "trigger",
            {"pair_mass": HistConf([pair_mass(60, 60, 120)]), **trigger_probes},
            {**tight_tag, "no_jet": [get_nObj_less(1)], "jets": [get_nObj_min(1)]},
            weights=["sf_mu_id"],
            variations=["pileup"],
            **events,
        ),
        "trigger_closure": tag_and_probe(
            "trigger", trigger_probes, weights=["sf_mu_id", "sf_trigger_probes"], **events
        ),
        "dy_pt": spectra(
            *common,
            {"common": {"inclusive": [*simulation_weights, *muon_weights]}},
            {"common": {"inclusive": ["pileup"]}},
            categories={
                **peak,
                **{f"peak_{half}": [*peak["peak"], get_event_number(i)] for i, half in enumerate(HALVES)},
            },
            variables={"ptll_peak": HistConf([dilepton_pt])},
            **classes,
        ),
        "nominal": nominal,
        "calibrated": calibrated,
        # Both configurations use the same events, so the error of their ratio needs the square roots.
        "calibrated_root": square_roots(nominal, calibrated),
    }


on_toys = chain(parameters, toys, skim)
real_samples = spectra(
    real_parameters,
    {"jsons": ["datasets/real_samples.json"]},
    [get_nPVgood(1), eventFlags, get_HLTsel(["DoubleMuon"]), get_nObj_min(2, 4.0, "Muon")],
    {"common": {"inclusive": ["genWeight", "lumi", "XS"]}},
)
