from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pocket.store import read_manifest
from tasks.coupling import REPORT, IterateScaleFactors
from tasks.plotting import PlotScaleFactors
from tasks.processing import RunProcessor
from tasks.scale_factors import ComputeScaleFactors
from tasks.validation import ValidateScaleFactors
from tests.tasks.chain import Chain

VERTICES = """
vertices = DataMCRatio(
    input="corrected",
    variable="npvs",
    category="baseline",
    axes=("PV_npvsGood",),
    bins={"PV_npvsGood": (0, 28, 36, 80)},
    data=("DATA_SingleMuon",),
    mc=("DYJetsToMuMu",),
    keep_yield=True,
    closure=Closure(again={"input": "both"}),
)
sf_vertices = ScaleFactorWeight.wrap("sf_vertices", "vertices", inputs={"PV_npvsGood": "PV.npvsGood"})
"""
GROUP = 'Coupled(("tight_id", "vertices"), tolerance=1e-3)'
EDGES = {"tight_id": [10, 40, 200], "vertices": [0, 28, 36, 80]}


def couple(chain: Chain) -> Chain:
    """Measure the scale factor of muons with one of vertices applied, and the other way round."""
    chain.edit("__init__.py", "\nanalysis = Analysis(", f"{VERTICES}\nanalysis = Analysis(")
    chain.edit("__init__.py", "import EfficiencyRatio", "import Closure, Coupled, DataMCRatio, EfficiencyRatio")
    chain.edit("__init__.py", "    scale_factors={", f'    coupled=[{GROUP}],\n    scale_factors={{"vertices": vertices, ')
    chain.edit("__init__.py", "HistConf([tight, muon_pt])}", "HistConf([tight, muon_pt])}, sf_vertices")
    chain.edit("__init__.py", "    configs={", '    configs={"both": configure(spectra, sf_tight_id, sf_vertices),')
    return chain


def test_x(on_files):
    c = couple(on_files)
    import time
    t=time.time()
    try:
        print(c.build(config="both"))
    finally:
        print(time.time()-t)
    t=time.time()
    print(c.build(config="both"))
    print(time.time()-t)
