"""Drawings of the graph of an analysis, as text for Mermaid and Graphviz, and as SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from pocket.configuration.chain_graph import CONFIG, DATASETS, MODEL, SCALE_FACTOR, ChainGraph, ChainNode

# The colours are of Okabe and Ito's palette, lightened, so that black text is legible on them.
_COLORS = {DATASETS: "#e8e8e8", CONFIG: "#cfe8f7", SCALE_FACTOR: "#fde3b0", MODEL: "#d3eee4"}
_MERMAID = {DATASETS: ("[(", ")]"), CONFIG: ("[", "]"), SCALE_FACTOR: ("([", "])"), MODEL: ("{{", "}}")}
_DOT = {DATASETS: "cylinder", CONFIG: "box", SCALE_FACTOR: "ellipse", MODEL: "hexagon"}
# px
_CHARACTER, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 7.4, 30, 46, 16, 12
#: how often nodes are moved to the mean place of what they are connected to
_SWEEPS = 8


def draw_mermaid(graph: ChainGraph) -> str:
    """Return the graph as a flowchart of Mermaid, which GitHub, GitLab and mkdocs draw.

    >>> from pocket.configuration.chain_graph import ChainGraph, ChainNode
    >>> first, second = ChainNode("configuration", "tnp"), ChainNode("scale factor", "muon_id")
    >>> print(draw_mermaid(ChainGraph("mine", (first, second), ((first, second),))))
    flowchart LR
        n0["tnp"]:::configuration
        n1(["muon_id"]):::scale_factor
        n0 --> n1
        classDef configuration fill:#cfe8f7,stroke:#555,color:#000
        classDef scale_factor fill:#fde3b0,stroke:#555,color:#000
    """
    ids = _ids(graph)
    lines = ["flowchart LR"]
    for node in graph.nodes:
        begin, end = _MERMAID[node.kind]
        lines.append(f'    {ids[node]}{begin}"{node.name}"{end}:::{_class_of(node.kind)}')
    lines += [f"    {ids[before]} --> {ids[after]}" for before, after in graph.direct_edges]
    for kind in dict.fromkeys(node.kind for node in graph.nodes):
        lines.append(f"    classDef {_class_of(kind)} fill:{_COLORS[kind]},stroke:#555,color:#000")
    return "\n".join(lines)


def draw_dot(graph: ChainGraph) -> str:
    """Return the graph in the language of Graphviz.

    >>> from pocket.configuration.chain_graph import ChainGraph, ChainNode
    >>> print(draw_dot(ChainGraph("mine", (ChainNode("configuration", "tnp"),), ())))
    digraph "mine" {
        rankdir=LR
        node [style=filled, fontname="sans-serif"]
        n0 [label="tnp", shape=box, fillcolor="#cfe8f7"]
    }
    """
    ids = _ids(graph)
    lines = [f'digraph "{graph.name}" {{', "    rankdir=LR", '    node [style=filled, fontname="sans-serif"]']
    for node in graph.nodes:
        look = f'shape={_DOT[node.kind]}, fillcolor="{_COLORS[node.kind]}"'
        lines.append(f'    {ids[node]} [label="{node.name}", {look}]')
    lines += [f"    {ids[before]} -> {ids[after]}" for before, after in graph.direct_edges]
    return "\n".join([*lines, "}"])


def draw_svg(graph: ChainGraph) -> str:
    """Return the graph as a picture, from the datasets at the left to what needs most steps at the right."""
    columns = _columns(graph)
    widths = [max(_width(node) for node in column) for column in columns]
    lefts = [_MARGIN + sum(widths[:number]) + number * _GAP_X for number in range(len(columns))]
    rows = _rows(graph, columns)
    place = {
        node: (lefts[number], _MARGIN + rows[node] * (_HEIGHT + _GAP_Y), widths[number])
        for number, column in enumerate(columns)
        for node in column
    }
    width = lefts[-1] + widths[-1] + _MARGIN
    height = 2 * _MARGIN + max(rows.values()) * (_HEIGHT + _GAP_Y) + _HEIGHT
    arrow = '<marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="chain of {escape(graph.name)}">',
        f'<defs>{arrow}<path d="M0,0 L8,4 L0,8 z" fill="#777"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>',
        '<g fill="none" stroke="#777" stroke-width="1.2" marker-end="url(#arrow)">',
        *(_curve(place[before], place[after]) for before, after in graph.direct_edges),
        '</g><g stroke="#555" font-family="sans-serif" font-size="13" text-anchor="middle">',
        *(_box(node, *place[node]) for node in graph.nodes),
        "</g></svg>",
    ]
    return "\n".join(parts)


#: name of a format → the function that draws
FORMATS: Mapping[str, Callable[[ChainGraph], str]] = {"mermaid": draw_mermaid, "dot": draw_dot, "svg": draw_svg}


def _ids(graph: ChainGraph) -> dict[ChainNode, str]:
    return {node: f"n{number}" for number, node in enumerate(graph.nodes)}


def _class_of(kind: str) -> str:
    return kind.replace(" ", "_")


def _columns(graph: ChainGraph) -> list[list[ChainNode]]:
    """Return the nodes by depth."""
    columns: list[list[ChainNode]] = [[] for _ in range(max(graph.depths.values()) + 1)]
    for node, depth in graph.depths.items():
        columns[depth].append(node)
    return columns


def _rows(graph: ChainGraph, columns: list[list[ChainNode]]) -> dict[ChainNode, float]:
    """Return the row of each node: near what it is connected to, and at least one row from its neighbours."""
    connected: dict[ChainNode, list[ChainNode]] = {node: [] for node in graph.nodes}
    for before, after in graph.direct_edges:
        connected[before].append(after)
        connected[after].append(before)
    rows = {node: float(row) for column in columns for row, node in enumerate(column)}
    for _ in range(_SWEEPS):
        for column in columns:
            means = {
                node: sum(rows[each] for each in connected[node]) / len(connected[node])
                for node in column
                if connected[node]
            }
            following = -1.0
            for node in sorted(column, key=lambda node: (means.get(node, rows[node]), rows[node])):
                rows[node] = following = max(means.get(node, rows[node]), following + 1)
    top = min(rows.values())
    return {node: row - top for node, row in rows.items()}


def _width(node: ChainNode) -> float:
    return len(node.name) * _CHARACTER + 24


def _box(node: ChainNode, left: float, top: float, width: float) -> str:
    radius = {SCALE_FACTOR: _HEIGHT / 2, MODEL: 8}.get(node.kind, 2)
    title = escape(f"{node.kind} {node.name}: {node.note}" if node.note else f"{node.kind} {node.name}")
    middle, base = left + width / 2, top + _HEIGHT / 2 + 4.5
    return (
        f'<g><title>{title}</title><rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_HEIGHT}" '
        f'rx="{radius}" fill="{_COLORS[node.kind]}"/>'
        f'<text x="{middle:.1f}" y="{base:.1f}" stroke="none" fill="#000">{escape(node.name)}</text></g>'
    )


def _curve(one: tuple[float, float, float], other: tuple[float, float, float]) -> str:
    x, y = one[0] + one[2], one[1] + _HEIGHT / 2
    to_x, to_y = other[0], other[1] + _HEIGHT / 2
    bend = max((to_x - x) / 2, 20)
    return f'<path d="M{x:.1f},{y:.1f} C{x + bend:.1f},{y:.1f} {to_x - bend:.1f},{to_y:.1f} {to_x:.1f},{to_y:.1f}"/>'
