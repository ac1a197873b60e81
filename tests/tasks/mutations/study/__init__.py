"""A small analysis of all the ways in which numbers get into templates: ``corrected`` applies what ``probes`` measures.

The mutation table copies its folder and edits the copy. The files, the correction and the numbers that it reads are
written beside it (``tests.tasks.mutations.world``).
"""

from __future__ import annotations

from pathlib import Path

from pocket.columns import ColOut
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.cuts.library import get_nPVgood, goldenJson, passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.parameters import defaults
from pocket.scale_factors import EfficiencyRatio
from pocket.weights.scale_factor import ScaleFactorWeight

from . import byways, idioms, reading, texts
from .calibrators import Scale
from .cuts import get_leading, get_probe, heavy
from .weights import Generator, Slope
from .workflow import StudyProcessor

FOLDER = Path(__file__).parent

defaults.register_configuration_dir("study", FOLDER)
parameters = defaults.merge_parameters_from_files(
    defaults.get_default_parameters(), FOLDER / "parameters.yaml", update=True
)
datasets = {"jsons": [FOLDER / "datasets.json"]}

muon_pt = Axis(coll="MuonGood", field="pt", name="pt", bins=(10, 30, 200), label="Muon $p_T$ [GeV]")
tight = Axis(coll="MuonGood", field="tightId", name="passing", type="integer", start=0, stop=2, label="Passing")
vertices = Axis(coll="PV", field="npvsGood", bins=8, start=0, stop=80, label="Good vertices")

probes = Configurator(
    parameters=parameters,
    datasets=datasets,
    workflow=StudyProcessor,
    skim=[get_nPVgood(1)],
    preselections=[get_probe(parameters.probe.pt)],
    categories={"all": [passthrough]},
    weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}},
    variables={"probes": HistConf([tight, muon_pt])},
)

main = Configurator(
    parameters=parameters,
    datasets=datasets,
    workflow=StudyProcessor,
    skim=[get_nPVgood(2), goldenJson],
    preselections=[get_leading(12.0)],
    categories={
        "all": [passthrough],
        "heavy": [heavy],
        **{cut.name: [cut] for cut in (*idioms.cuts, *reading.cuts, *byways.cuts, *texts.cuts)},
    },
    weights={"common": {"inclusive": ["genWeight", "lumi", "XS", Generator]}},
    variables={"npvs": HistConf([vertices], only_categories=["all", "heavy"])},
)

sf_tight = ScaleFactorWeight.wrap("sf_tight", scale_factor="tight", collection="MuonGood")

corrected = Configurator(
    parameters=parameters,
    datasets=datasets,
    workflow=StudyProcessor,
    preselections=[get_leading(11.0)],
    categories={"all": [passthrough]},
    weights={"common": {"inclusive": ["genWeight", "lumi", "XS", sf_tight, Slope]}},
    variations={"weights": {"common": {"inclusive": [sf_tight]}}},
    calibrators=[Scale],
    variables={"npvs": HistConf([vertices])},
    columns={"common": {"inclusive": [ColOut("MuonGood", ["pt"])]}},
)

tight_ratio = EfficiencyRatio(
    input="probes", variable="probes", category="all", axes=("pt",), data=("DATA",), mc=("DY",)
)

analysis = Analysis(
    name="study",
    configs={"probes": probes, "main": main, "corrected": corrected},
    scale_factors={"tight": tight_ratio},
    default_config="corrected",
    compare={"corrected": "main"},
)
