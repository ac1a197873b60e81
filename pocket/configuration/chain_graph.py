"""Graph of an analysis: what is read, filled, measured, applied and fitted, and in which order."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis

#: kinds of nodes
DATASETS, CONFIG, SCALE_FACTOR, MODEL = "datasets", "configuration", "scale factor", "model"


@dataclass(frozen=True)
class ChainNode:
    """A part of an analysis."""

    kind: str
    name: str
    note: str = field(default="", compare=False)


@dataclass(frozen=True)
class ChainGraph:
    """The parts of an analysis, and which of them need which."""

    name: str
    nodes: tuple[ChainNode, ...]
    edges: tuple[tuple[ChainNode, ChainNode], ...]

    @functools.cached_property
    def _needs(self) -> dict[ChainNode, list[ChainNode]]:
        return {node: [before for before, after in self.edges if after == node] for node in self.nodes}

    @functools.cached_property
    def depths(self) -> dict[ChainNode, int]:
        """The number of steps before each node, along the longest path to it."""

        @functools.cache
        def depth(node: ChainNode) -> int:
            return max((depth(each) + 1 for each in self._needs[node]), default=0)

        return {node: depth(node) for node in self.nodes}

    @functools.cached_property
    def direct_edges(self) -> tuple[tuple[ChainNode, ChainNode], ...]:
        """The edges that don't follow from others, as those from datasets to all that is applied to them later."""
        upstream: dict[ChainNode, set[ChainNode]] = {}
        for node in sorted(self.nodes, key=self.depths.__getitem__):
            upstream[node] = {each for before in self._needs[node] for each in (before, *upstream[before])}
        return tuple(
            (before, after)
            for before, after in self.edges
            if not any(before in upstream[other] for other in self._needs[after])
        )

    def parent(self, node: ChainNode) -> ChainNode | None:
        """Return what a node needs last, ``None`` if it needs nothing."""
        return max(self._needs[node], key=self.depths.__getitem__, default=None)


def chain_graph(analysis: Analysis) -> ChainGraph:
    """Return the graph of an analysis, without the steps back to coupled scale factors, so that it has an order."""
    nodes: dict[tuple[str, str], ChainNode] = {}
    for node in _nodes(analysis):
        nodes.setdefault((node.kind, node.name), node)
    edges: dict[tuple[ChainNode, ChainNode], None] = {}
    for before, after in _edges(analysis):
        if before in nodes and after in nodes:
            edges[nodes[before], nodes[after]] = None
    return ChainGraph(analysis.name, tuple(nodes.values()), tuple(edges))


def _nodes(analysis: Analysis) -> Iterator[ChainNode]:
    for name in analysis.configs:
        yield ChainNode(DATASETS, _files(analysis, name))
    for name, config in analysis.configs.items():
        parts = [f"applies {', '.join(config.scale_factors)}"] if config.scale_factors else []
        if skim := analysis.skims.get(name):
            parts.append("makes a skim" if skim.config == name else f"reads the skim of {skim.config}")
        if before := analysis.comparison(name).before:
            parts.append(f"compared with {before}")
        if name == analysis.default_config:
            parts.append("default")
        yield ChainNode(CONFIG, name, ", ".join(parts))
    for name, reason in analysis.broken.items():
        yield ChainNode(CONFIG, name, f"can't be used: {reason}")
    for name, declaration in analysis.scale_factors.items():
        group = analysis.coupled_with(name)
        others = [each for each in group.scale_factors if each != name] if group else []
        coupled = f", coupled with {', '.join(others)}" if others else ""
        yield ChainNode(SCALE_FACTOR, name, f"{type(declaration).__name__}{coupled}")
    hidden = _points(analysis)
    for name, model in analysis.models.items():
        if name not in hidden:
            count = list(hidden.values()).count(name)
            points = f", {count} points" if count else ""
            yield ChainNode(MODEL, name, f"of {', '.join(model.regions or getattr(model, 'models', ()))}{points}")


def _edges(analysis: Analysis) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for name, config in analysis.configs.items():
        skim = analysis.skims.get(name)
        if skim is not None and skim.config != name:
            yield (CONFIG, skim.config), (CONFIG, name)
        else:
            yield (DATASETS, _files(analysis, name)), (CONFIG, name)
        group = analysis.coupled_in(name)
        for used in config.scale_factors:
            if group is None or used not in group.scale_factors:
                yield (SCALE_FACTOR, used), (CONFIG, name)
    for name, declaration in analysis.scale_factors.items():
        for config_name in declaration.configs():
            yield (CONFIG, config_name), (SCALE_FACTOR, name)
    hidden = _points(analysis)
    for name, model in analysis.models.items():
        if name in hidden:
            continue
        # A combined model is made of others, and a model of configurations.
        for part in dict.fromkeys(hidden.get(part, part) for part in getattr(model, "models", ())):
            yield (MODEL, part), (MODEL, name)
        for config_name in getattr(model, "configs", ()):
            yield (CONFIG, config_name), (MODEL, name)


def _points(analysis: Analysis) -> dict[str, str]:
    """Return model of a point of a grid, of which there may be many → the model that has the grid."""
    found: dict[str, str] = {}
    for name, model in analysis.models.items():
        for part in getattr(model, "models", [name]):
            if grid := getattr(analysis.models.get(part), "grid", None):
                found |= dict.fromkeys(grid.models(name).values(), name)
    return found


def _files(analysis: Analysis, config: str) -> str:
    """Return the names of the definition files of a configuration."""
    return ", ".join(sorted(Path(file).name for file in analysis.configs[config].definition_files))
