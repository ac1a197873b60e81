"""The base class of workflows: plain Python, called by the engine chunk by chunk."""
# ruff: noqa: B027  the empty methods are the entry points; PocketCoffea's spelling

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pocket.base.dialects import dialect
from pocket.errors import ConfigError

if TYPE_CHECKING:
    from pocket.plan.processing import ProcessingPlan


class BaseProcessorABC(ABC):
    """Entry points of the processing of one chunk, in the order of their calls.

    A derived class must define :meth:`apply_object_preselection` and :meth:`count_objects`; the others do nothing
    unless overridden. Their code reads and extends ``self.events``. Defining a step of another framework
    (:mod:`pocket.base.dialects`) raises a ``ConfigError``.

    Args:
        cfg: the plan of the configuration, with its parameters resolved for this run.

    Attributes:
        cfg: the plan (:class:`pocket.plan.processing.ProcessingPlan`), with the names of the configuration's arguments.
        params: the parameters, resolved for this run (nested attribute access).
        workflow_options: the configuration's ``workflow_options``.
        events: events of the chunk; after the skim and the preselection only the selected ones.
        metadata: metadata of the dataset.
        nano_version: version of NanoAOD, from ``nano_version`` in the metadata if given, else from the content.
        nEvents_initial, nEvents_after_skim, nEvents_after_presel: numbers of events, once they are known; the last one
            is that of the current variation.
        custom_histogram_fields: name → array, for axes with ``coll="custom"``.

    The entry points after the skim are called once per shape variation, ``"nominal"`` first, each time with the events
    of that variation and without the columns that were added for another one.

    Examples:
        >>> from pocket.objects import get_dilepton, lepton_selection
        >>> class Dimuon(BaseProcessorABC):
        ...     def apply_object_preselection(self, variation):
        ...         self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)
        ...
        ...     def count_objects(self, variation):
        ...         self.events["nMuonGood"] = self.events.MuonGood.counts
        ...
        ...     def define_common_variables_before_presel(self, variation):
        ...         self.events["ll"] = get_dilepton(None, self.events.MuonGood)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if never := {name: instead for name, instead in dialect().steps.items() if name in vars(cls)}:
            steps = [f"{name}, which is never called: use {instead}" for name, instead in never.items()]
            raise ConfigError(f"workflow {cls.__name__} defines {'; and '.join(steps)}")

    def __init__(self, cfg: ProcessingPlan) -> None:
        self.cfg = cfg
        self.params: Any = cfg.parameters
        # The import is by name, because where files lie isn't part of the code that an output depends on.
        places = importlib.import_module("pocket.parameters.public_places")
        self.workflow_options: dict[str, Any] = places.with_local_paths(cfg.workflow_options)
        self.events: Any = None
        self.custom_histogram_fields: dict[str, Any] = {}
        self.metadata: Mapping[str, Any] = {}
        self.nEvents_initial = self.nEvents_after_skim = self.nEvents_after_presel = 0

    def start_chunk(self, events: Any, metadata: Mapping[str, Any]) -> None:
        """Take over the events and the dataset's metadata of a new chunk; called by the engine."""
        from pocket.io.nanoaod.version import nano_version

        self.events = events
        self.custom_histogram_fields = {}
        self.metadata = metadata
        self.nano_version = int(metadata.get("nano_version") or nano_version(events))
        self.nEvents_initial, self.nEvents_after_skim, self.nEvents_after_presel = len(events), 0, 0
        self._dataset = str(metadata["dataset"])
        self._sample = str(metadata["sample"])
        self._year = str(metadata["year"])
        self._isMC = bool(metadata["isMC"])
        self._era = metadata.get("era")
        self._samplePart = metadata.get("part")
        self._isSkim = bool(metadata.get("isSkim"))
        self._metadata = {
            "year": self._year,
            "sample": self._sample,
            "samplePart": self._samplePart,
            "dataset": self._dataset,
            "isMC": self._isMC,
            "isSkim": self._isSkim,
            "era": self._era,
            "nano_version": self.nano_version,
        }
        self.load_metadata_extra()

    def start_variation(self, events: Any) -> None:
        """Take over the calibrated events of a variation; called by the engine."""
        self.events = events
        self.custom_histogram_fields = {}

    @property
    def nevents(self) -> int:
        """Number of events at this stage."""
        return len(self.events)

    def define_when_used(self, name: str, compute: Callable[[], Any], dtype: str) -> None:
        """Add a column with one number per event, computed when a cut, weight, histogram or export first uses it.

        The columns that it is computed from aren't read either if a configuration doesn't use it.

        Args:
            name: name of the column ``events.{name}``.
            compute: returns the numbers, shape (n events,), for the events at the time of this call.
            dtype: type of the numbers, e.g. ``"int64"``; the result is converted to it.

        Raises:
            ConfigError: on first use, if there isn't one number per event.
        """
        from pocket.base.arrays.lazy import lazy_column

        self.events[name] = lazy_column(name, self.nevents, dtype, compute)

    def load_metadata_extra(self) -> None:
        """Read further metadata of the dataset."""

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
