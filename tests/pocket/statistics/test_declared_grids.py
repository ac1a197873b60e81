from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from analysis.ttbar.config import TTBAR, flow, many_categories
from pocket.configuration.analysis import Analysis
from pocket.configuration.chain_graph import MODEL, chain_graph
from pocket.configuration.loading import load_analysis
from pocket.cuts import passthrough
from pocket.errors import ConfigError
from pocket.statistics import CombinedModel, Grid, Process, Region, StatisticalModel, Stored
from pocket.statistics.declared_grids import grids_of, with_points
from pocket.statistics.declared_places import place_of
from tests.entries import check_each
from tests.pocket.statistics.declared import check_refused, declaration

THEORY = {200: (1.9, 0.2), 250: (0.8, 0.1)}
SIGNAL = Process("ZPrime_M{m}", signal=True)


def grid_model(grid: Any = None, sig: Process = SIGNAL, bkg: str = "background", **others: Any) -> StatisticalModel:
    grid = Grid("m", (200, 250), theory=THEORY) if grid is None else grid
    return declaration(processes={"sig": sig, "bkg": Process(bkg)}, grid=grid, **others)


def of_ttbar(signal: str) -> Analysis:
    """Return ``ttbar`` with two grids of subsamples with numbers, and with their combination."""
    of_grid = flow(many_categories, ["pileup"], subsamples={TTBAR: {"m1": [passthrough], "m2": [passthrough]}})
    models: dict[str, Any] = {"both": CombinedModel("zprime_1b", "zprime_2b")}
    for category in ("1b", "2b"):
        models[f"zprime_{category}"] = StatisticalModel(
            regions={f"r_{category}": Region("grid", f"4j_{category}", "MET_pt")},
            processes={"sig": Process(signal, signal=True), "w": Process("WJetsToLNu")},
            nuisances=[Stored("*")],
            grid=Grid("m", (1, 2)),
        )
    ttbar = load_analysis("ttbar")
    return dataclasses.replace(ttbar, configs={**ttbar.configs, "grid": of_grid}, models=models)


def test_each_point_is_a_model_of_its_own() -> None:
    declared = grid_model(
        Grid("m", (300.5, 200)), regions={"sr": Region("main", "signal_{m}", "dnn_{m}"), "cr": Region("main", "c", "x")}
    )
    models = with_points({"zprime": declared, "other": declaration()})
    assert list(models) == ["zprime", "other", "zprime_m200", "zprime_m300.5"]
    assert models["zprime"] is declared
    point = models["zprime_m300.5"]
    assert point.processes["sig"] == Process("ZPrime_M300.5", signal=True)
    assert point.processes["bkg"] == declared.processes["bkg"]
    assert point.regions == {"sr": Region("main", "signal_300.5", "dnn_300.5"), "cr": Region("main", "c", "x")}
    assert point.grid is None
    # Errors name the lines of the grid's declaration.
    assert place_of(point.regions["sr"]) == place_of(declared.regions["sr"]) != ""
    assert place_of(point) == place_of(declared)


def test_a_point_does_not_depend_on_the_others() -> None:
    few = with_points({"z": grid_model()})
    more = with_points({"z": grid_model(Grid("m", (200, 225, 250), label="$m$ [GeV]"))})
    assert few["z_m200"] == more["z_m200"]


def test_what_has_points_already_stays_as_it_is() -> None:
    models = with_points({"z": grid_model()})
    assert with_points(models) == models


def test_a_grid_has_the_parameter_of_interest_of_its_signals() -> None:
    processes = {"a": Process("A", signal="mu"), "z": Process("Z{m}", signal="nu"), "i": Process("I{m}")}
    model = declaration(processes=processes, pois={"mu": (0, 1), "nu": (0, 2)}, grid=Grid("m", (1, 2)))
    assert model.grid is not None
    assert model.grid.poi == "nu"


def test_models_of_the_same_grid_are_combined_point_by_point() -> None:
    models = with_points(
        {"both": CombinedModel("a", "b", "c"), "a": grid_model(), "b": grid_model(), "c": declaration()}
    )
    assert models["both_m250"] == CombinedModel("a_m250", "b_m250", "c")
    assert grids_of(models)["both"] == models["a"].grid
    assert set(grids_of(models)) == {"both", "a", "b"}


#: what is wrong → (how it is declared, the error)
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "one point": (lambda: Grid("m", (200,)), "Grid('m') needs two points or more, not [200.0]"),
    "a point twice": (lambda: Grid("m", (200, 250, 200.0)), "Grid('m') has the point 200 twice"),
    "a word": (lambda: Grid("m", (200, "250")), "Grid('m'): the point '250' must be a number"),  # type: ignore[arg-type]
    "a name": (lambda: Grid("m x", (200, 250)), "Grid('m x') needs a name of letters, digits and underscores, with"),
    "no name": (lambda: Grid("", (200, 250)), "Grid('') needs a name of letters"),
    "a theory point": (
        lambda: Grid("m", (1, 2), theory={1: (2, 0), 2: (1, 0), 3: (1, 0)}),
        "has no point, but theory at 3",
    ),
    "a point without theory": (lambda: Grid("m", (1, 2), theory={1: (2, 0)}), "Grid('m') has theory, but none at 2"),
    "a number": (
        lambda: Grid("m", (1, 2), theory={1: 2, 2: 1}),
        "theory at 1 is 2, not a cross section and its smaller",
    ),  # type: ignore[dict-item]
    "a large error": (lambda: Grid("m", (1, 2), theory={1: (2, 2), 2: (1, 0)}), "theory at 1 is (2, 2), not a cross"),
    "another argument": (lambda: Grid("m", (1, 2), theroy={}), "did you mean 'theory'?"),  # type: ignore[call-arg]
    "no grid": (lambda: grid_model((200, 250)), "grid must be Grid(…) or None, not (200, 250)"),
    "no placeholder": (
        lambda: grid_model(sig=Process("ZPrime", signal=True)),
        "Grid('m') needs {m} in samples of signals of one parameter of interest; none has it",
    ),
    "a background alone": (
        lambda: grid_model(sig=Process("ZPrime", signal=True), bkg="W_{m}"),
        "Grid('m') needs {m} in samples of signals of one parameter of interest; none has it",
    ),
    "another placeholder": (
        lambda: grid_model(bkg="W_{mass}"),
        "unknown placeholder 'mass' in the samples of process 'bkg'",
    ),
    "two parameters": (
        lambda: declaration(
            processes={"a": Process("A{m}", signal="mu"), "b": Process("B{m}", signal="nu")},
            pois={"mu": (0, 1), "nu": (0, 1)},
            grid=Grid("m", (1, 2)),
        ),
        "of one parameter of interest; those of mu and nu have it",
    ),
    "a sample of another process": (
        lambda: with_points({"z": grid_model(bkg="ZPrime_M250")}),
        "sample 'ZPrime_M250' is in the processes 'sig' and 'bkg'",
    ),
    "the name of a point": (
        lambda: with_points({"z": grid_model(), "z_m200": declaration()}),
        "the model 'z_m200' has the name of a point of the grid 'z'",
    ),
    "different grids": (
        lambda: with_points({"c": CombinedModel("a", "b"), "a": grid_model(), "b": grid_model(Grid("m", (200, 250)))}),
        "the combined model 'c' has grids that differ in points, theory, label or parameter",
    ),
}


@check_each("wrong", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(wrong: str) -> None:
    check_refused(*WRONG[wrong])


def test_an_analysis_checks_each_point() -> None:
    with pytest.raises(ConfigError, match=r"unknown sample 'TTToSemiLeptonic__3m1' in .*model 'zprime_1b_m1'"):
        of_ttbar("TTToSemiLeptonic__3m{m}")


def test_points_are_models_wherever_there_are_models() -> None:
    analysis = of_ttbar("TTToSemiLeptonic__m{m}")
    assert list(analysis.parts_of("zprime_2b_m2")) == ["zprime_2b_m2"]
    assert list(analysis.parts_of("both_m2")) == ["zprime_1b_m2", "zprime_2b_m2"]
    with pytest.raises(ConfigError, match=r"unknown model 'both_m3' in analysis 'ttbar', did you mean 'both_m[12]'"):
        analysis.parts_of("both_m3")
    for name in ("zprime_1b", "both"):
        sentence = f"the model {name!r} is a grid, which PlotGrid draws: name a point of it, such as '{name}_m1'"
        with pytest.raises(ConfigError, match=f"^{sentence}$"):
            analysis.parts_of(name)


def test_the_chain_shows_grids_without_their_points() -> None:
    graph = chain_graph(of_ttbar("TTToSemiLeptonic__m{m}"))
    models = {node.name: node for node in graph.nodes if node.kind == MODEL}
    assert {name: node.note for name, node in models.items()} == {
        "both": "of zprime_1b, zprime_2b, 2 points",
        "zprime_1b": "of r_1b, 2 points",
        "zprime_2b": "of r_2b, 2 points",
    }
    assert (models["zprime_1b"], models["both"]) in graph.edges
