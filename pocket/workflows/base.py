"""The base of an analysis' workflow: plain Python, driven by the engine chunk by chunk."""
# ruff: noqa: B027  the empty methods are the entry points

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.configurator import Configurator


class BaseProcessorABC(ABC):
    """Entry points of the processing of one chunk, in the order they are called.

    A derived class must define :meth:`apply_object_preselection` and :meth:`count_objects`; the others do
    nothing unless overridden. Code in them reads and extends ``self.events``.

    Attributes:
        cfg: the configuration.
        params: its parameters, resolved for this run (nested attribute access).
        workflow_options: the configuration's ``workflow_options``.
        events: events of the chunk; after the skim and the preselection only the selected ones.
        metadata: metadata of the dataset.
        custom_histogram_fields: name → array, for axes with ``coll="custom"``.

    What comes after the skim is called once per shape variation, ``"nominal"`` first, each time with the events of that
    variation and without what the entry points added for another one.
    """

    def __init__(self, cfg: Configurator, params: Any) -> None:
        self.cfg = cfg
        self.params = params
        self.workflow_options = cfg.workflow_options
        self.events: Any = None
        self.custom_histogram_fields: dict[str, Any] = {}
        self.metadata: Mapping[str, Any] = {}

    def start_chunk(self, events: Any, metadata: Mapping[str, Any]) -> None:
        """Take over the events and the dataset's metadata of a new chunk; called by the engine."""
        self.events = events
        self.custom_histogram_fields = {}
        self.metadata = metadata
        self._dataset = str(metadata["dataset"])
        self._sample = str(metadata["sample"])
        self._year = str(metadata["year"])
        self._isMC = bool(metadata["isMC"])
        self._era = metadata.get("era")

    def start_variation(self, events: Any) -> None:
        """Take over the calibrated events of a variation; called by the engine."""
        self.events = events
        self.custom_histogram_fields = {}

    @property
    def nevents(self) -> int:
        """Number of events at this stage."""
        return len(self.events)

    def process_extra_before_skim(self) -> None:
        """Add columns that the skim needs."""

    def process_extra_after_skim(self) -> None:
        """Add columns for the skimmed events, before they are calibrated."""

    def process_extra_after_calibrators(self, variation: str) -> None:
        """Add anything else to the calibrated events, before objects are selected."""

    @abstractmethod
    def apply_object_preselection(self, variation: str) -> None:
        """Define the selected collections, e.g. ``self.events["MuonGood"] = …``."""

    @abstractmethod
    def count_objects(self, variation: str) -> None:
        """Count the selected objects, e.g. ``self.events["nMuonGood"] = ak.num(self.events.MuonGood)``."""

    def define_common_variables_before_presel(self, variation: str) -> None:
        """Define variables that the preselection needs."""

    def process_extra_before_presel(self, variation: str) -> None:
        """Add anything else before the preselection."""

    def define_common_variables_after_presel(self, variation: str) -> None:
        """Define variables for categories and histograms."""

    def process_extra_after_presel(self, variation: str) -> None:
        """Add anything else for the preselected events."""
