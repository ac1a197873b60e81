"""Base class of calibrators, which change objects and have shape variations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pocket.errors import ConfigError, check_known

#: Name of the calibration without a shape variation.
NOMINAL = "nominal"


class Calibrator:
    """Base class of calibrators; set ``name`` and ``calibrated_collections``, and override :meth:`calibrate`.

    Attributes:
        name: name of the calibrator in configurations.
        has_variations: whether there are shape variations.
        isMC_only: whether the calibrator isn't applied to data.
        calibrated_collections: names that :meth:`calibrate` may return, ``"Jet"`` (a whole collection) or ``"Jet.pt"``
            (a field of it). A subclass may set it in ``__init__``.
        inputs: collections (``"Jet"``) or fields (``"Jet.pt"``) that the result depends on, besides the calibrated
            ones. If a variation of an earlier calibrator changes none of them, the nominal result is used again.
            ``None`` means unknown: every variation of an earlier calibrator makes it run again.
        symmetrise: the missing side of a one-sided variation (:mod:`pocket.histograms.one_sided`), ``"mirror"`` or
            ``"none"``: for all variations, or by variation without ``Up`` and ``Down``.
        correlated: whether eras share the variations (:mod:`pocket.configuration.era_names`): for all, or by patterns
            of variations without ``Up`` and ``Down``.

    Args:
        params: parameters of the analysis.
        metadata: metadata of the dataset (sample, year, isMC, …).
        do_variations: whether the configuration requests the shape variations of this calibrator.
    """

    name: ClassVar[str] = ""
    has_variations: ClassVar[bool] = False
    isMC_only: ClassVar[bool] = False  # noqa: N815  PocketCoffea's spelling
    calibrated_collections: Sequence[str] = ()
    inputs: Sequence[str] | None = None
    symmetrise: str | Mapping[str, str] = ""
    correlated: bool | Mapping[str, bool] = True
    #: It is ``None`` until a subclass sets it.
    _variations: Sequence[str] | None = None

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        self.params = params
        self.metadata = metadata
        self.isMC = bool(metadata["isMC"])
        self.year = str(metadata["year"])
        self.do_variations = do_variations

    @property
    def variations(self) -> tuple[str, ...]:
        """Names of the shape variations, such as ``"muon_scaleUp"``; a subclass sets ``_variations``.

        It is best set in ``__init__``, which gets parameters and metadata but no events: then all that a configuration
        says about variations is checked when it is built. :meth:`initialize` may set it, too, to names that are the
        same for all chunks of a dataset.
        """
        return tuple(self._variations or ())

    @classmethod
    def scale_factors(cls) -> tuple[str, ...]:
        """Return the names of what the chain measures and the calibrator applies."""
        return ()

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return (file, name) of the corrections that the calibrator uses.

        See :meth:`pocket.weights.base.WeightWrapper.corrections`.
        """
        return ()

    def initialize(self, events: Any) -> None:
        """Prepare data that variations share; called once per chunk. It may set ``_variations``.

        Args:
            events: events of the chunk after the skim, before any calibrator.
        """

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return the calibrated collections, without changing ``events``.

        Args:
            events: events with the output of earlier calibrators.
            original: replaced collections and fields, by the name that an earlier calibrator declared, before any
                calibration.
            variation: the shape variation; for ``"nominal"`` or one of another calibrator, the calibration is nominal.
            already_applied: names of the calibrators that ran before.

        Returns:
            Collection or collection.field → array, for names in ``calibrated_collections``. If a variation doesn't
            change the result, return the same array as for nominal, so that later calibrators needn't run again.
        """
        raise NotImplementedError(f"calibrator {self.name!r} has no calibrate()")


class ChunkCalibrator(Calibrator):
    """Calibrator that computes something once per chunk, for the nominal calibration and its own variations."""

    _computed: Any = None

    def initialize(self, events: Any) -> None:
        """Forget what was computed for the previous chunk."""
        self._computed = None

    def compute(self, events: Any) -> Any:
        """Return what is the same in all of its variations."""
        raise NotImplementedError(f"calibrator {self.name!r} has no compute()")

    def computed(self, events: Any, variation: str) -> Any:
        """Return what :meth:`compute` returns, again only if an earlier calibrator varies the objects."""
        if variation != NOMINAL and variation not in self.variations:
            return self.compute(events)
        if self._computed is None:
            self._computed = self.compute(events)
        return self._computed


def requested_variations(calibrator: Calibrator) -> tuple[str, ...]:
    """Return the shape variations of a calibrator, empty if they weren't requested or aren't known yet."""
    if not (calibrator.has_variations and calibrator.do_variations):
        return ()
    if calibrator._variations is None and not names_come_later(calibrator):
        raise ConfigError(
            f"calibrator {calibrator.name!r} is asked for its variations, but has none after __init__: they must be "
            "set there or in initialize(), as self._variations"
        )
    return tuple(calibrator.variations)


def names_come_later(calibrator: Calibrator) -> bool:
    """Tell whether only ``initialize`` may set the names of the requested variations."""
    # Calibrators written for PocketCoffea begin with an empty list.
    is_open = calibrator._variations is None or calibrator._variations == []
    wanted = calibrator.has_variations and calibrator.do_variations
    return wanted and is_open and type(calibrator).initialize is not Calibrator.initialize


def check_calibrators(classes: Iterable[type[Calibrator]], requested: Iterable[str], where: str) -> None:
    """Check the calibrators of a configuration, and the names of those whose variations it requests."""
    by_name: dict[str, type[Calibrator]] = {}
    for cls in classes:
        if not cls.name:
            raise ConfigError(f"calibrator {cls.__name__} has no name: set name in the class")
        if cls.name in by_name:
            raise ConfigError(
                f"two calibrators have the name {cls.name!r}: {by_name[cls.name].__name__}, {cls.__name__}"
            )
        by_name[cls.name] = cls
    names = list(requested)
    check_known("calibrator", names, by_name, where)
    for name in names:
        if not by_name[name].has_variations:
            raise ConfigError(f"calibrator {name!r} in {where} has no variations: leave it out, or set has_variations")
