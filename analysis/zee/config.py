"""Configurations of the Z→ee analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from analysis.zee.cuts import get_dielectron, get_relative_pt, get_tag_pt, tag_probe_pair
from analysis.zee.workflow import TagAndProbeProcessor, ZeeProcessor
from pocket import Axis, Configurator, Cut, HistConf
from pocket.calibrators import MeasuredEnergyCalibrator
from pocket.cuts import eventFlags, get_HLTsel, get_nObj_min, get_nPVgood, goldenJson, passthrough
from pocket.histograms import ele_hists
from pocket.parameters import defaults
from pocket.weights import ScaleFactorWeight

FOLDER = Path(__file__).parent / "params"

parameters = defaults.merge_parameters_from_files(
    defaults.get_default_parameters(),
    *(FOLDER / name for name in ("toys.yaml", "selection.yaml", "plotting.yaml")),
    update=True,
)

DATA = "DATA_EGamma"
#: Z → ee, the same of another generator, and W → eν with fake electrons
DY, OTHER_DY, W = "DYJetsToEE", "DYJetsToEE_LO", "WJetsToENu"

# No selected electron is between barrel and endcap, so an edge in the middle of it belongs to both.
PT = (20, 35, 45, 100)
ETA = (-2.5, -1.5, -0.8, 0.0, 0.8, 1.5, 2.5)
#: categories of the energy scale
ABSETA = (0.0, 0.8, 1.5, 2.5)

skim = [get_nPVgood(1), eventFlags, goldenJson, get_HLTsel(["SingleEle"]), get_nObj_min(2, 20.0, "Electron")]
simulation_weights = ["genWeight", "lumi", "XS", "pileup"]

#: energies of electrons, with the scale and the smearing that the chain measures
electron_energy = MeasuredEnergyCalibrator.wrap(
    "electron_energy", scale_factor="electron_energy", collection="Electron"
)
#: weights with the scale factor of the chain
derived_weights = (
    ScaleFactorWeight.wrap("sf_ele_id", scale_factor="electron_id", collection="ElectronGood"),
    # This weight is for probes, which may fail.
    ScaleFactorWeight.wrap("sf_id_probes", scale_factor="electron_id", collection="ElectronGood", passing="passes"),
)


def probe_axes(coll: str, prefix: str = "") -> list[Axis]:
    """Return the axes of a probe's efficiency, in a collection whose fields have a prefix."""
    flag: dict[str, Any] = {"name": "passing", "type": "integer", "start": 0, "stop": 2, "label": "Passing"}
    return [
        Axis(coll=coll, field=f"{prefix}passing", **flag),
        Axis(coll=coll, field=f"{prefix}pt", name="pt", bins=PT, label="Probe $p_T$ [GeV]"),
        Axis(coll=coll, field=f"{prefix}etaSC", name="etaSC", bins=ETA, label=r"Probe $\eta_{SC}$"),
    ]


pair_mass = Axis(
    coll="TagProbe", field="mass", name="mass", bins=60, start=60, stop=120, label=r"$m_{tag,probe}$ [GeV]"
)
tnp_mass = HistConf([pair_mass, *probe_axes("TagProbe", "probe_")])


def toys(*samples: str) -> dict[str, Any]:
    """Return the datasets of some samples of the toys of electrons."""
    return {"jsons": ["datasets/toys_electrons.json"], "filter": {"samples": list(samples)}}


def tag_and_probe(
    categories: Mapping[str, Sequence[Cut]] = MappingProxyType({}), weights: Sequence[str] = ()
) -> Configurator:
    """Return a configuration that fills tag-and-probe templates, from all pairs.

    Args:
        categories: further categories.
        weights: names of further weights of simulation.
    """
    return Configurator(
        parameters=parameters,
        datasets=toys(DY, OTHER_DY, DATA),
        workflow=TagAndProbeProcessor,
        skim=skim,
        calibrators=[electron_energy],
        preselections=[tag_probe_pair],
        categories={"pairs": [passthrough], **categories},
        weights_classes=derived_weights,
        weights={"common": {"inclusive": [*simulation_weights, *weights]}},
        variables={"tnp_mass": tnp_mass},
    )


def dielectron(
    variables: Mapping[str, HistConf],
    weights: Sequence[str] = (),
    calibrators: Sequence[type[MeasuredEnergyCalibrator]] = (),
    cuts: Sequence[Cut] = (),
) -> Configurator:
    """Return a configuration that selects two electrons.

    Args:
        variables: its histograms.
        weights: names of further weights of simulation, which are varied.
        calibrators: calibrators, which are varied.
        cuts: further cuts.
    """
    window = parameters.dielectron
    return Configurator(
        parameters=parameters,
        datasets=toys(DY, W, DATA),
        workflow=ZeeProcessor,
        skim=skim,
        calibrators=list(calibrators),
        preselections=[get_dielectron(window.leading_pt, window.mass_low, window.mass_high), *cuts],
        categories={"baseline": [passthrough]},
        weights_classes=derived_weights,
        weights={"common": {"inclusive": [*simulation_weights, *weights]}},
        variations={
            "weights": {"common": {"inclusive": ["pileup", *weights]}},
            "shape": {"common": {"inclusive": [calibrator.name for calibrator in calibrators]}},
        },
        variables=variables,
    )


def spectra() -> dict[str, HistConf]:
    """Return the histograms of the electrons and their pair."""
    window = parameters.dielectron
    mass = Axis(coll="ll", field="mass", bins=60, start=window.mass_low, stop=window.mass_high, label="$m_{ee}$ [GeV]")
    vertices = Axis(coll="PV", field="npvsGood", bins=60, start=0, stop=60, label="Good vertices")
    settings = {
        "pt": {"bins": 40, "start": 20, "stop": 120, "lim": (20, 120)},
        "etaSC": {"type": "regular", "bins": 50, "start": -2.5, "stop": 2.5, "lim": (-2.5, 2.5)},
    }
    axes = {f"electron_{name}": setting for name, setting in settings.items()}
    return {
        "mee": HistConf([mass]),
        "ptee": HistConf([Axis(coll="ll", field="pt", bins=50, start=0, stop=150, label="$p_T^{ee}$ [GeV]")]),
        "npvs": HistConf([vertices]),
        **ele_hists(fields=("pt", "etaSC"), axis_settings=axes),
        **ele_hists(pos=0, fields=("pt", "etaSC"), axis_settings=axes),
        **ele_hists(pos=1, fields=("pt", "etaSC"), axis_settings=axes),
    }


#: masses in fine bins, with the categories of both electrons
mass_by_eta = HistConf(
    [
        Axis(coll="ll", field="mass", name="mass", bins=100, start=70, stop=110, label="$m_{ee}$ [GeV]"),
        Axis(coll="ll", field="abs_l1eta", name="abseta", bins=ABSETA, label=r"Electron $|\eta|$"),
        Axis(coll="ll", field="abs_l2eta", name="other_abseta", bins=ABSETA, label=r"Other electron $|\eta|$"),
    ]
)

# From 80 GeV on, these thresholds are above those of the trigger and the acceptance.
relative_pt = get_relative_pt(parameters.dielectron.leading_share, parameters.dielectron.subleading_share)
energy = dielectron({"mass_by_eta": mass_by_eta}, cuts=[relative_pt])
# With the measured calibration applied, the scale is 1.
energy_closure = dielectron({"mass_by_eta": mass_by_eta}, calibrators=[electron_energy], cuts=[relative_pt])
tnp = tag_and_probe({"tight_tag": [get_tag_pt(parameters.tag_and_probe.tight_tag_pt)]})
# With the efficiency of data applied, the measured scale factor is 1.
tnp_closure = tag_and_probe(weights=["sf_id_probes"])
# The efficiency of all simulated electrons, whether or not there is a tag or a trigger; that of the pairs must be it.
all_probes = Configurator(
    parameters=parameters,
    datasets=toys(DY),
    workflow=TagAndProbeProcessor,
    skim=[get_nPVgood(1), eventFlags],
    calibrators=[electron_energy],
    categories={"all": [passthrough]},
    weights_classes=derived_weights,
    weights={"common": {"inclusive": simulation_weights}},
    variables={"all_probes": HistConf(probe_axes("Probe"))},
)
nominal = dielectron(spectra())
calibrated = dielectron(spectra(), ["sf_ele_id"], [electron_energy])
