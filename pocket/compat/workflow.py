"""PocketCoffea's base class of workflows over ours, with the attributes and steps that its derived classes use.

Steps that PocketCoffea calls and this engine doesn't may be overridden if their body is empty, as generated workflows
have them.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import awkward as ak

from pocket.compat.awkward_names import use_old_vectors
from pocket.compat.delayed_branches import DelayedEvalBranchManager
from pocket.compat.steps import NOT_CALLED
from pocket.errors import ConfigError
from pocket.plan import workflow as ours

#: Steps that a derived class may define, because this class calls them.
_CALLED_HERE = ("load_metadata", "define_custom_axes_extra", "define_histograms_extra")


def _nothing(*arguments: str) -> None:
    """Do nothing."""


class _Steps:
    """Steps of PocketCoffea that only this module calls."""

    def load_metadata(self) -> None:
        """Read the metadata of the dataset, which are there already when this is called."""

    def define_custom_axes_extra(self) -> None:
        """Add axes of this dataset to ``custom_axes``."""

    def define_histograms_extra(self) -> None:
        """Fill ``custom_histogram_fields``."""


class BaseProcessorABC(_Steps, ours.BaseProcessorABC):
    """PocketCoffea's entry points of the processing of one chunk.

    Attributes:
        delayed_branches: branches that are computed once per event, on the nominal objects.
        custom_axes: axes that all histograms get, see :mod:`pocket.compat.custom_axes`.
        output: what PocketCoffea's output has of a chunk when its processing begins; to be read only.

    The other attributes and the entry points are those of :class:`pocket.plan.workflow.BaseProcessorABC`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Steps that do nothing, or that are called here, are hidden from the check of our base class.
        own = {name: vars(cls)[name] for name in NOT_CALLED if name in vars(cls)}
        kept = {name: step for name, step in own.items() if name in _CALLED_HERE or is_empty(step)}
        for name in kept:
            delattr(cls, name)
        try:
            super().__init_subclass__(**kwargs)
        finally:
            for name, step in kept.items():
                setattr(cls, name, step)

    def __init__(self, cfg: Any) -> None:
        super().__init__(cfg)
        use_old_vectors()
        self._skim, self._preselections = cfg.skim, cfg.preselections
        self._categories, self._subsamples, self._columns = cfg.categories, cfg.subsamples, cfg.columns
        self.delayed_branches = DelayedEvalBranchManager()
        self.custom_axes: list[Any] = []
        self.output_format: dict[str, Any] = _empty_output(cfg)
        self.output: dict[str, Any] = _Output(_empty_output(cfg))
        self._call_around("load_metadata_extra", before=self._note_metadata)

    def start_chunk(self, events: Any, metadata: Mapping[str, Any]) -> None:
        """Take over the events and the dataset's metadata of a new chunk; called by the engine."""
        super().start_chunk(events, metadata)
        output = _empty_output(self.cfg)
        output["cutflow"]["initial"][self._dataset] = len(events)
        if self._isMC and "genWeight" in events.fields:
            output["sum_genweights"][self._dataset] = float(ak.sum(ak.values_astype(events.genWeight, "float64")))
        self.output = _Output(output)
        self.delayed_branches.forget()
        if self.delayed_branches.registered:
            self._call_around("process_extra_before_presel", after=self._note_nominal)
            self._call_around("process_extra_after_presel", after=self._add_delayed)

    def start_variation(self, events: Any) -> None:
        """Take over the calibrated events of a variation; called by the engine."""
        super().start_variation(events)
        self.define_histograms_extra()

    def _call_around(
        self, name: str, before: Callable[..., None] = _nothing, after: Callable[..., None] = _nothing
    ) -> None:
        """Call methods before and after an entry point, also if a derived class overrides it."""
        entry: Callable[..., None] = getattr(type(self), name).__get__(self)

        def all_of_them(*arguments: str) -> None:
            before(*arguments)
            entry(*arguments)
            after(*arguments)

        setattr(self, name, all_of_them)

    def _note_metadata(self) -> None:
        self._xsec = self.metadata.get("xsec")
        self._era = "MC" if self._isMC else self._era
        self._metadata["era"] = self._era
        self._hasSubsamples = self._sample in self.cfg.subsamples
        self.load_metadata()

    def _note_nominal(self, variation: str) -> None:
        if variation == "nominal":
            self.delayed_branches.prepare_nominal_snapshot(self.events)
        else:
            self.delayed_branches.ensure_nominal_index(self.events)

    def _add_delayed(self, variation: str) -> None:
        self.delayed_branches.add_to(self.events)


class _Output(dict[str, Any]):
    """An output that refuses new entries, which would be lost."""

    def __setitem__(self, key: str, value: Any) -> None:
        raise ConfigError(
            f"the workflow adds {key!r} to its output, which isn't kept here: fill a histogram of the configuration "
            "with coll='custom' from custom_histogram_fields, or export columns"
        )


def _empty_output(cfg: Any) -> dict[str, Any]:
    categories = tuple(cfg.categories)
    return {
        "sum_genweights": {},
        "sum_signOf_genweights": {},
        "sumw": {category: {} for category in categories},
        "sumw2": {category: {} for category in categories},
        "shared": {},
        "cutflow": {"initial": {}, "skim": {}, "presel": {}, **{category: {} for category in categories}},
        "variables": {name: {} for name in cfg.variables},
        "columns": {},
        "processing_metadata": {},
        "datasets_metadata": {},
    }


def is_empty(function: object) -> bool:
    """Tell whether a function does nothing: its body is a docstring, ``pass``, or a call of the same step above."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError):
        return False
    node = tree.body[0]
    return isinstance(node, ast.FunctionDef) and all(_does_nothing(statement) for statement in node.body)


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        value = statement.value
        return isinstance(value, ast.Constant) or (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and isinstance(value.func.value, ast.Call)
            and getattr(value.func.value.func, "id", "") == "super"
        )
    if isinstance(statement, ast.Return):
        return statement.value is None or (isinstance(statement.value, ast.Constant) and statement.value.value is None)
    return isinstance(statement, ast.Pass)
