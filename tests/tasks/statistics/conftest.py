"""The small chain with a statistical model of its corrected templates."""

from __future__ import annotations

import pytest

from tests.tasks.small_chain import Chain

MODEL = """StatisticalModel(
            regions={"all": Region("corrected", "baseline", "npvs", edges=(0, 20, 40, 80))},
            processes={"dy": Process("DYJetsToMuMu", signal=True)},
            data=("DATA_SingleMuon",),
            nuisances=[Stored("*"), LogNormal("lumi", 1.02)],
            blind="all",
        )"""


@pytest.fixture
def modelled(chain: Chain) -> Chain:
    """The finished chain, with a model that isn't made yet."""
    compare = 'compare={"corrected": "main"},'
    chain.edit("__init__.py", compare, f'{compare}\n    models={{"z": {MODEL}}},')
    imports = "from pocket.weights.base import WeightWrapper\n"
    names = "LogNormal, Process, Region, StatisticalModel, Stored"
    chain.edit("__init__.py", imports, f"from pocket.statistics import {names}\n{imports}")
    return chain
