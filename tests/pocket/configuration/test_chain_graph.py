from __future__ import annotations

import pytest

from pocket.configuration.chain_graph import CONFIG, DATASETS, MODEL, SCALE_FACTOR, ChainGraph, ChainNode, chain_graph
from pocket.configuration.loading import load_analysis


@pytest.fixture(scope="module")
def zmumu() -> ChainGraph:
    return chain_graph(load_analysis("zmumu"))


def named(graph: ChainGraph, kind: str, name: str) -> ChainNode:
    (node,) = [node for node in graph.nodes if (node.kind, node.name) == (kind, name)]
    return node


def test_all_parts_are_there(zmumu: ChainGraph) -> None:
    analysis = load_analysis("zmumu")
    kinds = (DATASETS, CONFIG, SCALE_FACTOR, MODEL)
    of_kind = {kind: {node.name for node in zmumu.nodes if node.kind == kind} for kind in kinds}
    assert of_kind == {
        DATASETS: {"toys.json", "real_samples.json"},
        CONFIG: set(analysis.configs),
        SCALE_FACTOR: set(analysis.scale_factors),
        MODEL: set(analysis.models),
    }


def test_order_is_that_of_the_measurements(zmumu: ChainGraph) -> None:
    depths = zmumu.depths
    path = [
        named(zmumu, *each)
        for each in (
            (DATASETS, "toys.json"),
            (CONFIG, "tnp"),
            (SCALE_FACTOR, "muon_id"),
            (CONFIG, "trigger_eff"),
            (SCALE_FACTOR, "trigger"),
            (CONFIG, "dy_pt"),
            (SCALE_FACTOR, "dy_pt"),
            (CONFIG, "calibrated"),
            (MODEL, "z_xsec"),
        )
    ]
    assert [depths[node] for node in path] == list(range(len(path)))
    assert [zmumu.parent(node) for node in path] == [None, *path[:-1]]
    assert path[7].note == "applies muon_id, trigger, dy_pt, compared with nominal, default"
    # What follows from other edges is no direct edge.
    assert (path[2], path[7]) in zmumu.edges
    assert (path[2], path[7]) not in zmumu.direct_edges
    assert (path[6], path[7]) in zmumu.direct_edges


def test_every_edge_leads_forward() -> None:
    for name in ("zmumu", "ttbar"):
        graph = chain_graph(load_analysis(name))
        assert graph.edges
        assert all(graph.depths[before] < graph.depths[after] for before, after in graph.edges)
        assert set(graph.direct_edges) <= set(graph.edges)


def test_skims() -> None:
    graph = chain_graph(load_analysis("ttbar"))
    assert "makes a skim" in named(graph, CONFIG, "differential").note
