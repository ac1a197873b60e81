from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from pocket.configuration.chain_drawing import FORMATS, draw_dot, draw_mermaid, draw_svg
from pocket.configuration.chain_graph import ChainGraph, ChainNode, chain_graph
from pocket.configuration.loading import load_analysis

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module", params=["zmumu", "ttbar"])
def graph(request: pytest.FixtureRequest) -> ChainGraph:
    return chain_graph(load_analysis(request.param))


@pytest.mark.parametrize("name", FORMATS)
def test_every_part_and_edge_is_drawn(graph: ChainGraph, name: str) -> None:
    text = FORMATS[name](graph)
    assert all(node.name in text for node in graph.nodes)
    arrows = {"mermaid": " --> ", "dot": " -> ", "svg": "<path d="}[name]
    # The picture has one path more, the head of the arrows.
    assert text.count(arrows) == len(graph.direct_edges) + (name == "svg")


def test_picture_is_valid_and_its_boxes_do_not_overlap(graph: ChainGraph) -> None:
    picture = ElementTree.fromstring(draw_svg(graph))
    width, height = (float(picture.attrib[name]) for name in ("width", "height"))
    boxes = [
        tuple(float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        for rect in picture.iter(f"{SVG}rect")
        if "x" in rect.attrib
    ]
    assert len(boxes) == len(graph.nodes)
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    for number, (x, y, w, h) in enumerate(boxes):
        for other_x, other_y, other_w, other_h in boxes[:number]:
            assert x >= other_x + other_w or other_x >= x + w or y >= other_y + other_h or other_y >= y + h


def test_names_with_special_signs() -> None:
    node = ChainNode("configuration", "a<b", 'says "x" & y')
    graph = ChainGraph("mine", (node,), ())
    assert ElementTree.fromstring(draw_svg(graph)).findtext(f".//{SVG}text") == "a<b"


def test_edges_join_the_parts() -> None:
    first, second = ChainNode("configuration", "tnp"), ChainNode("scale factor", "muon_id")
    graph = ChainGraph("mine", (first, second), ((first, second),))
    assert re.search(r'n0\["tnp"\].*n1\(\["muon_id"\]\).*n0 --> n1', draw_mermaid(graph), re.DOTALL)
    assert re.search(r'n0 \[label="tnp".*n1 \[label="muon_id".*n0 -> n1', draw_dot(graph), re.DOTALL)
