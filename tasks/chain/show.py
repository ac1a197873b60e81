"""Printed descriptions of configurations, and of the chain of an analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import luigi

from pocket.parameters.defaults import dump_parameters
from tasks.core.console import discard_output
from tasks.core.graph import Node
from tasks.core.tree import draw, line
from tasks.framework.base import AnalysisTask, OneConfigTask

if TYPE_CHECKING:
    from rich.text import Text

    from pocket.configuration.chain_graph import ChainGraph

WHAT = ("config", "parameters")
FORMATS = ("text", "mermaid", "dot", "svg")


class PrintTask(AnalysisTask):
    """A task that prints something and writes nothing."""

    exclude_index = True
    _shown = False

    def complete(self) -> bool:
        """Whether it was printed in this process."""
        return self._shown

    def text(self) -> str:
        raise NotImplementedError

    def run(self) -> None:
        text = self.text()
        self._shown = True
        try:
            print(text.rstrip("\n"), flush=True)
        except BrokenPipeError:
            discard_output()


class ShowConfig(PrintTask, OneConfigTask):
    """Prints a configuration as JSON, or its parameters as YAML, and writes nothing."""

    what = luigi.ChoiceParameter(
        choices=WHAT,
        default=WHAT[0],
        description="config: cuts, weights, calibrators, histograms and the code behind them, parameters: all numbers; "
        "default: config",
    )

    @classmethod
    def each(cls, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the options of one task, because several descriptions would be no JSON or YAML."""
        return [dict(given)]

    def text(self) -> str:
        from pocket.configuration.description import dump_config

        config = self.config_inst
        return dump_config(config, self.config) if self.what == "config" else dump_parameters(config.parameters)


class ShowChain(PrintTask):
    """Prints the chain of an analysis: its datasets, configurations, scale factors and models, in their order."""

    format = luigi.ChoiceParameter(
        choices=FORMATS,
        default=FORMATS[0],
        description="text, mermaid (drawn by GitHub, GitLab and mkdocs), dot (for Graphviz) or svg (a picture); "
        "default: text",
    )

    def text(self) -> str:
        from pocket.configuration.chain_drawing import FORMATS as DRAWN
        from pocket.configuration.chain_graph import chain_graph

        graph = chain_graph(self.analysis_inst)
        return _as_text(graph) if self.format == FORMATS[0] else DRAWN[self.format](graph)


def _as_text(graph: ChainGraph) -> str:
    """Return trees in which each part is below what it needs last."""
    root = Node(graph.name)
    nodes = {part: Node(part) for part in graph.nodes}
    for part, node in nodes.items():
        parent = graph.parent(part)
        (root if parent is None else nodes[parent]).required.append(node)

    def rows(node: Node) -> list[Text]:
        return [line("analysis") if node is root else line(node.task.kind, "dim", node.task.note)]

    return draw(root, {graph.name: graph.name, **{part: part.name for part in nodes}}, rows)
