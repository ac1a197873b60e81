"""PocketCoffea's manager of calibrators, for notebooks and tests that run calibrators by hand.

The engine has its own (:mod:`pocket.calibrators.sequence`), which doesn't change the given events.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pocket.calibrators.base import NOMINAL, Calibrator


class CalibratorsManager:
    """Calibrators in their order, which replace collections of events in place, and keep those as they were.

    Variations are needed of the calibrators that ``requested_calibrator_variations`` names, of all by default.
    """

    def __init__(
        self,
        calibrators_list: Sequence[type[Calibrator]],
        events: Any,
        params: Any,
        metadata: Mapping[str, Any] | None = None,
        requested_calibrator_variations: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.metadata = dict(metadata or {})
        self.requested_calibrator_variations = requested_calibrator_variations
        self.calibrator_list = calibrators_list
        self.calibrator_sequence: list[Calibrator] = []
        self.calibrated_collections: dict[str, list[Calibrator]] = defaultdict(list)
        self.available_variations: list[str] = [NOMINAL]
        self.available_variations_bycalibrator: dict[str, list[str]] = defaultdict(list)
        self.original_coll: dict[str, Any] = {}
        for cls in calibrators_list:
            if cls.isMC_only and not self.metadata["isMC"]:
                continue
            asked = requested_calibrator_variations
            calibrator = cls(params, self.metadata, asked is None or cls.name in asked)
            calibrator.initialize(events)
            self._add(calibrator)

    def _add(self, calibrator: Calibrator) -> None:
        self.calibrator_sequence.append(calibrator)
        for name in calibrator.calibrated_collections:
            self.calibrated_collections[name].append(calibrator)
        if calibrator.has_variations:
            new = [name for name in calibrator.variations if name not in self.available_variations]
            self.available_variations += new
            self.available_variations_bycalibrator[calibrator.name] += new

    def get_available_variations(self, calibrator_name: str | None = None) -> list[str]:
        """Return the variations of a calibrator, or nominal and those of all."""
        if calibrator_name is None:
            return self.available_variations
        return self.available_variations_bycalibrator.get(calibrator_name, [])

    def calibrate(self, events: Any, variation: str, debug: bool = False) -> Any:
        """Return the events, calibrated in place."""
        if variation not in self.available_variations:
            raise ValueError(f"variation {variation!r} is none of {', '.join(self.available_variations)}")
        applied: list[str] = []
        for calibrator in self.calibrator_sequence:
            for name, values in calibrator.calibrate(events, self.original_coll, variation, applied).items():
                if name not in calibrator.calibrated_collections:
                    raise ValueError(f"calibrator {calibrator.name!r} returned {name!r}, which it doesn't declare")
                place = tuple(name.split("."))
                if name not in self.original_coll and _has(events, place):
                    self.original_coll[name] = copy.copy(events[place])
                events[place] = values
            applied.append(calibrator.name)
        return events

    def reset_events_to_original(self, events: Any) -> None:
        """Undo all calibrations of events."""
        for name, values in self.original_coll.items():
            events[tuple(name.split("."))] = values
        self.original_coll.clear()

    def calibration_loop(
        self,
        events: Any,
        variations: Sequence[str] | None = None,
        variations_for_calibrators: Sequence[str] | None = None,
        debug: bool = False,
    ) -> Iterator[tuple[str, Any]]:
        """Yield nominal and the chosen variations with the calibrated events, which are reset after each."""
        chosen = [NOMINAL, *(variations or ())]
        for name in variations_for_calibrators or ():
            chosen += self.get_available_variations(name)
        for variation in dict.fromkeys(chosen):
            yield variation, self.calibrate(events, variation)
            self.reset_events_to_original(events)


def _has(events: Any, place: tuple[str, ...]) -> bool:
    return place[0] in events.fields and all(field in events[place[0]].fields for field in place[1:])
