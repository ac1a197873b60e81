"""Sequence of calibrators, which reruns only those that a variation affects."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak

from pocket.base.arrays.fields import with_fields
from pocket.base.runtime.user_code import UserCall
from pocket.calibrators.base import NOMINAL, Calibrator, check_calibrators, names_come_later, requested_variations
from pocket.calibrators.jets import JetsCalibrator
from pocket.calibrators.met import METCalibrator
from pocket.errors import ConfigError, UnknownNameError, check_known

#: Usual calibrators in their order; a configuration requests the variations of some of them.
default_calibrators_sequence: list[type[Calibrator]] = [JetsCalibrator, METCalibrator]


@dataclass(frozen=True)
class CalibratedEvents:
    """Events with calibrated collections, and the names of those that differ from the nominal calibration."""

    events: Any
    changed: frozenset[str]


@dataclass(frozen=True)
class _Step:
    """Arguments and result of a calibrator."""

    events: Any
    original: Mapping[str, Any]
    result: Mapping[str, Any]


class CalibratorSequence:
    """Calibrators of a dataset, applied in the order of the configuration; a variation belongs to one of them.

    Those before it give their nominal result, and one after it runs again only if something that it depends on
    (``inputs`` and ``calibrated_collections``) differs from the nominal calibration.
    """

    def __init__(
        self,
        classes: Sequence[type[Calibrator]],
        params: Any,
        metadata: Mapping[str, Any],
        requested: Iterable[str] = (),
    ) -> None:
        requested = tuple(requested)
        check_calibrators(classes, requested, "the shape variations")
        is_mc = bool(metadata["isMC"])
        self.calibrators: tuple[Calibrator, ...] = tuple(
            _make(cls, params, metadata, is_mc and cls.name in requested)
            for cls in classes
            if is_mc or not cls.isMC_only
        )
        self._names = tuple(cls.name for cls in classes)
        self._owners = self._find_owners()
        self._source: Any = None
        self._steps: list[_Step] = []
        self._nominal: Any = None

    def _find_owners(self) -> dict[str, int]:
        """Return variation → position of its calibrator."""
        owners: dict[str, int] = {}
        for index, calibrator in enumerate(self.calibrators):
            for variation in requested_variations(calibrator):
                if (other := owners.setdefault(variation, index)) != index:
                    raise ConfigError(
                        f"shape variation {variation!r} is one of calibrator {self.calibrators[other].name!r} "
                        f"and one of {calibrator.name!r}"
                    )
        return owners

    @property
    def needs_events(self) -> bool:
        """Whether the names of some variations are only known after :meth:`initialize`."""
        return any(map(names_come_later, self.calibrators))

    @property
    def variations(self) -> tuple[str, ...]:
        """Names of the shape variations, without nominal, in the order of the calibrators."""
        return tuple(self._owners)

    def variations_of(self, name: str) -> tuple[str, ...]:
        """Return the shape variations of one calibrator, empty if they aren't requested."""
        if name not in self._names:
            raise UnknownNameError("calibrator", name, self._names)
        return tuple(variation for variation, index in self._owners.items() if self.calibrators[index].name == name)

    def initialize(self, events: Any) -> None:
        """Prepare the calibrators for a chunk."""
        self._source, self._steps, self._nominal = None, [], None
        for calibrator in self.calibrators:
            known = calibrator.variations
            with UserCall("calibrator", calibrator.name, type(calibrator)):
                calibrator.initialize(events)
            if known and calibrator.variations != known:
                raise ConfigError(
                    f"calibrator {calibrator.name!r} changes its variations in initialize(): those that __init__ sets "
                    "as self._variations must stay"
                )
        self._owners = self._find_owners()

    def calibrate(self, events: Any, variation: str = NOMINAL) -> CalibratedEvents:
        """Return calibrated events, for one of :attr:`variations` or ``"nominal"``; the given events aren't changed."""
        if variation != NOMINAL and variation not in self._owners:
            raise UnknownNameError("shape variation", variation, (NOMINAL, *self._owners))
        if self._nominal is not None and self._source is not events:
            self.initialize(events)
        if self._nominal is None:
            self._calibrate_nominal(events)
        if variation == NOMINAL:
            return CalibratedEvents(copy.copy(self._nominal), frozenset())
        first = self._owners[variation]
        calibrated, original, changed = self._steps[first].events, dict(self._steps[first].original), set[str]()
        for index in range(first, len(self.calibrators)):
            nominal = result = self._steps[index].result
            if index == first or _depends(self.calibrators[index], changed):
                result = self._run(index, calibrated, original, variation)
                changed.update(key for key in {*result, *nominal} if result.get(key) is not nominal.get(key))
            calibrated = _replaced(calibrated, result)
            original.update(_originals(events, result))
        return CalibratedEvents(calibrated, frozenset(key.partition(".")[0] for key in changed))

    def _calibrate_nominal(self, events: Any) -> None:
        self._source, self._steps = events, []
        calibrated, original = copy.copy(events), dict[str, Any]()
        for index in range(len(self.calibrators)):
            result = self._run(index, calibrated, original, NOMINAL)
            self._steps.append(_Step(calibrated, dict(original), result))
            calibrated = _replaced(calibrated, result)
            original.update(_originals(events, result))
        self._nominal = calibrated

    def _run(self, index: int, events: Any, original: Mapping[str, Any], variation: str) -> Mapping[str, Any]:
        calibrator = self.calibrators[index]
        applied = [earlier.name for earlier in self.calibrators[:index]]
        # It gets copies, so that assignments to fields don't change the originals.
        with UserCall("calibrator", calibrator.name, type(calibrator)):
            result = calibrator.calibrate(copy.copy(events), dict(original), variation, applied)
            if not isinstance(result, Mapping):
                raise ConfigError(
                    f"calibrator {calibrator.name!r} returned {type(result).__name__}, expected a dictionary of "
                    "'Collection.field' → values"
                )
            where = f"calibrated_collections of calibrator {calibrator.name!r}, which returned it"
            check_known("output", result, calibrator.calibrated_collections, where)
        return result


def _make(cls: type[Calibrator], params: Any, metadata: Mapping[str, Any], do_variations: bool) -> Calibrator:
    with UserCall("calibrator", cls.name, cls):
        return cls(params, metadata, do_variations)


def _depends(calibrator: Calibrator, changed: Iterable[str]) -> bool:
    if calibrator.inputs is None:
        return True
    return any(
        _overlap(name, other) for name in (*calibrator.inputs, *calibrator.calibrated_collections) for other in changed
    )


def _overlap(name: str, other: str) -> bool:
    """Tell whether one name is the other, or a field of it."""
    return name == other or name.startswith(f"{other}.") or other.startswith(f"{name}.")


def _replaced(events: Any, result: Mapping[str, Any]) -> Any:
    """Return the events with the results inserted; columns that haven't been read stay unread."""
    columns: dict[str, Any] = {}
    for key, values in result.items():
        name, *field = key.split(".")
        if field:
            values = ak.with_field(columns[name] if name in columns else events[name], values, field)
        columns[name] = values
    return with_fields(events, columns)


def _originals(events: Any, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the originals of the results, if they exist: a calibrator may add a collection or field."""
    found = {}
    for key in result:
        collection, _, field = key.partition(".")
        if collection in events.fields and (not field or field in events[collection].fields):
            found[key] = events[tuple(key.split("."))]
    return found
