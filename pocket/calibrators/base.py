"""The base of calibrators: what changes objects, and with which shape variations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pocket.errors import ConfigError, check_known

#: what is calibrated without a shape variation
NOMINAL = "nominal"


class Calibrator:
    """Base class of calibrators: set ``name`` and ``calibrated_collections``, override :meth:`calibrate`.

    Attributes:
        name: the name configurations use.
        has_variations: whether there are shape variations.
        isMC_only: whether data are left alone.
        calibrated_collections: what :meth:`calibrate` may return, ``"Jet"`` (a whole collection) or ``"Jet.pt"`` (a
            field of it). A subclass may set it in ``__init__``.
        inputs: collections (``"Jet"``) or fields (``"Jet.pt"``) that the result depends on, beside the calibrated
            ones. If a variation of an earlier calibrator leaves all of them alone, the nominal result is used again.
            ``None`` means that nothing is known: every variation of an earlier calibrator makes it run again.
        symmetrise: what stands for the missing side of a one-sided variation (:mod:`pocket.histograms.one_sided`),
            ``"mirror"`` or ``"none"``: for all of them, or by variation without ``Up`` and ``Down``.

    Args:
        params: parameters of the analysis.
        metadata: metadata of the dataset (sample, year, isMC, …).
        do_variations: whether the configuration asks for the shape variations of this calibrator.
    """

    name: ClassVar[str] = ""
    has_variations: ClassVar[bool] = False
    isMC_only: ClassVar[bool] = False  # noqa: N815  PocketCoffea's spelling
    calibrated_collections: Sequence[str] = ()
    inputs: Sequence[str] | None = None
    symmetrise: str | Mapping[str, str] = ""
    #: ``None`` until a subclass sets it
    _variations: Sequence[str] | None = None

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        self.params = params
        self.metadata = metadata
        self.isMC = bool(metadata["isMC"])
        self.year = str(metadata["year"])
        self.do_variations = do_variations

    @property
    def variations(self) -> tuple[str, ...]:
        """Names of the shape variations, such as ``"muon_scaleUp"``: a subclass sets ``_variations``.

        They must be known after ``__init__``, which sees parameters and metadata but no event.
        """
        return tuple(self._variations or ())

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the corrections that the calibrator reads, as a weight does.

        See :meth:`pocket.weights.base.WeightWrapper.corrections`.
        """
        return ()

    def initialize(self, events: Any) -> None:
        """Prepare what several variations share; called once per chunk.

        Args:
            events: events of the chunk after the skim, before any calibrator.
        """

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return the calibrated collections; must not change ``events``.

        Args:
            events: events with the output of earlier calibrators.
            original: what earlier calibrators replaced, by the name they declared it with, before any calibration.
            variation: the shape variation; ``"nominal"`` or one of another calibrator mean the nominal calibration.
            already_applied: names of the calibrators that ran before.

        Returns:
            Collection or collection.field → array, for names in ``calibrated_collections``. Where a variation
            changes nothing, returning the very array of the nominal result spares later calibrators their work.
        """
        raise NotImplementedError(f"calibrator {self.name!r} has no calibrate()")


def requested_variations(calibrator: Calibrator) -> tuple[str, ...]:
    """Return the shape variations of a calibrator that was asked for them, none if it wasn't.

    Raises:
        ConfigError: if they are not set, in spite of ``has_variations``.
    """
    if not (calibrator.has_variations and calibrator.do_variations):
        return ()
    if calibrator._variations is None:
        raise ConfigError(
            f"calibrator {calibrator.name!r} is asked for its variations, but has none after __init__: they must be "
            "set there, as self._variations"
        )
    return calibrator.variations


def check_calibrators(classes: Iterable[type[Calibrator]], requested: Iterable[str], where: str) -> None:
    """Check the calibrators of a configuration, and the names of those whose variations it asks for.

    Args:
        classes: the calibrators.
        requested: names of calibrators whose shape variations are wanted.
        where: the place the names were found in.

    Raises:
        ConfigError: if two calibrators have one name, one has none, or a requested one has no variations.
        UnknownNameError: if a requested name is unknown.
    """
    by_name: dict[str, type[Calibrator]] = {}
    for cls in classes:
        if not cls.name:
            raise ConfigError(f"calibrator {cls.__name__} has no name")
        if cls.name in by_name:
            raise ConfigError(
                f"two calibrators have the name {cls.name!r}: {by_name[cls.name].__name__}, {cls.__name__}"
            )
        by_name[cls.name] = cls
    names = list(requested)
    check_known("calibrator", names, by_name, where)
    for name in names:
        if not by_name[name].has_variations:
            raise ConfigError(f"calibrator {name!r} in {where} has no variations")
