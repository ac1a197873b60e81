"""A correction of the number of vertices, beside the scale factor that the small analysis has."""

from __future__ import annotations

from tests.tasks.small_chain import Chain

_DECLARED = """
vertices = DataMCRatio(
    input="{config}",
    variable="npvs",
    category="baseline",
    axes=("PV_npvsGood",),
    bins={{"PV_npvsGood": (0, 28, 36, 80)}},
    data=("DATA_SingleMuon",),
    mc=("DYJetsToMuMu",),
    {arguments},
)
sf_vertices = ScaleFactorWeight.wrap("sf_vertices", "vertices", inputs={{"PV_npvsGood": "PV.npvsGood"}})
"""


def declare_vertices(chain: Chain, config: str, arguments: str, *, names: str = "", applied: str) -> None:
    """Add the scale factor ``vertices``, its weight ``sf_vertices`` and a configuration that applies it.

    Args:
        chain: the chain, whose analysis is edited.
        config: the configuration that it is measured in.
        arguments: further ones of the declaration.
        names: more to import, as ``"Coupled, "``.
        applied: a configuration with the weight, ``"name": Configurator``.
    """
    declared = _DECLARED.format(config=config, arguments=arguments)
    chain.edit("__init__.py", "\nanalysis = Analysis(", f"{declared}\nanalysis = Analysis(")
    chain.edit("__init__.py", "import EfficiencyRatio", f"import Closure, {names}DataMCRatio, EfficiencyRatio")
    chain.edit("__init__.py", "    scale_factors={", '    scale_factors={"vertices": vertices, ')
    chain.edit("__init__.py", "    configs={", f"    configs={{{applied},")
