"""Base classes of event weights and of their variations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, ClassVar

import numpy as np

from pocket.base.arguments import declarative
from pocket.base.typing import Floats
from pocket.corrections.keys import systematic_key
from pocket.errors import ConfigError
from pocket.histograms.one_sided import mode_of
from pocket.parameters.access import parameter


@dataclass(frozen=True)
class WeightData:
    """Values of a weight with at most one up/down variation.

    Args:
        name: name of the weight.
        nominal: shape (n events,).
        up: shape (n events,), or ``None``.
        down: shape (n events,), or ``None``.
    """

    name: str
    nominal: Any
    up: Any = None
    down: Any = None


@dataclass(frozen=True)
class WeightDataMultiVariation:
    """Values of a weight with several named variations.

    Args:
        name: name of the weight.
        nominal: shape (n events,).
        variations: names, one per entry of ``up`` and ``down``.
        up: one array of shape (n events,) per variation.
        down: one array of shape (n events,) per variation.
    """

    name: str
    nominal: Any
    variations: Sequence[str]
    up: Sequence[Any]
    down: Sequence[Any]


class WeightWrapper:
    """Base class of weights; subclasses set ``name`` and override :meth:`compute`.

    Attributes:
        name: name of the weight in configurations.
        has_variations: whether the weight has variations.
        isMC_only: whether the weight isn't applied to data.
        follows: name of a weight in whose variations this one has values of its own (:meth:`compute_following`).
        differs_by_dataset: whether :meth:`check_parameters` and :meth:`corrections` depend on more than the year.
        symmetrise: ``"mirror"`` or ``"none"`` for variations that are computed up only: the other side
            (:mod:`pocket.histograms.one_sided`); a mapping by name for several.
        correlated: whether eras share the variations (:mod:`pocket.configuration.era_names`), ``False`` if each era has
            its own; a mapping by name for several, of patterns, too.
        _variations: names of several variations, each with up and down; empty for a single pair. A subclass may set
            it in ``__init__``, from parameters and metadata.

    Args:
        params: parameters of the analysis.
        metadata: metadata of the dataset (sample, year, isMC, …).
    """

    name: ClassVar[str] = ""
    has_variations: ClassVar[bool] = False
    isMC_only: ClassVar[bool] = True  # noqa: N815  PocketCoffea's spelling
    follows: ClassVar[str | None] = None
    differs_by_dataset: ClassVar[bool] = False
    symmetrise: ClassVar[str | Mapping[str, str]] = ""
    correlated: bool | Mapping[str, bool] = True
    _variations: Sequence[str] = ()
    _are_stored: bool = True

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        self.params = self._params = params  # PocketCoffea's weights have these attributes with an underscore.
        self.metadata = self._metadata = metadata

    @classmethod
    def scale_factors(cls) -> tuple[str, ...]:
        """Return the names of the derived scale factors that the weight applies."""
        return ()

    @classmethod
    def systematics(cls) -> Mapping[str, tuple[str, ...]]:
        """Return derived scale factor → systematics that its file must have for the weight's variations."""
        return {}

    @classmethod
    def named_inputs(cls) -> tuple[str, ...]:
        """Return the names of explicit inputs, each of which one of the derived scale factors must have."""
        return ()

    def check_parameters(self) -> None:
        """Check that the parameters have all that the weight needs for the dataset's year.

        This is called when the configuration is built, for one dataset of each year that the weight is applied to, or
        for all datasets if it ``differs_by_dataset``.

        Raises:
            ConfigError: if a parameter is missing.
        """

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return (file, name) of the corrections that the weight uses for the dataset's year.

        When the configuration is built, the files that exist are checked for these corrections.

        Raises:
            ConfigError: if a parameter is missing.
        """
        return ()

    @property
    def variations(self) -> tuple[str, ...]:
        """Names of several variations; empty for a single pair."""
        return tuple(self._variations)

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight of each event.

        Args:
            events: events that passed the preselection, length ``size``.
            size: number of events.
            shape_variation: the current shape variation, or ``"nominal"``.

        Returns:
            An array of shape (size,), arrays (nominal, up, down), arrays and lists (nominal, names, up, down) as in
            :class:`WeightDataMultiVariation`, a :class:`WeightData`, or a :class:`WeightDataMultiVariation`.
        """
        raise NotImplementedError(f"weight {self.name!r} has no compute()")

    def compute_following(self, events: Any, size: int, keys: Sequence[str]) -> Mapping[str, Any]:
        """Return the weight in variations of the weight that it follows.

        Args:
            events: as in :meth:`compute`.
            size: number of events.
            keys: the variations, named as by :func:`systematic_key`, e.g. ``"hf_up"`` for ``sf_btag_hfUp``.

        Returns:
            Key → weight, shape (size,).
        """
        raise NotImplementedError(f"weight {self.name!r} has no compute_following()")

    def variation_names(self) -> list[str]:
        """Return the names of the stored variations: ``{name}Up`` or ``{name}_{variation}Up``, and the same with Down.

        Symmetrised variations have no Down.
        """
        if not self.has_variations:
            return []
        stems = [(f"{self.name}_{variation}", variation) for variation in self.variations] or [(self.name, "")]
        return [
            f"{stem}{side}"
            for stem, variation in stems
            for side in (("Up",) if mode_of(self.symmetrise, variation) else ("Up", "Down"))
        ]

    def store_variations(self, stored: bool) -> None:
        """Set whether variations are stored, which they are by default; called by the engine."""
        self._are_stored = stored

    def needs_variations(self, shape_variation: str) -> bool:
        """Tell whether :meth:`compute` must return variations; inside a shape variation, it needn't."""
        return shape_variation == "nominal" and self.has_variations and self._are_stored

    def with_variations(self, nominal: Any, shape_variation: str, varied: Callable[[str, str], Any]) -> Any:
        """Return the weight with its variations, as far as it needs them.

        Args:
            nominal: nominal weight, shape (n events,).
            shape_variation: as in :meth:`compute`.
            varied: returns the weight for one of :attr:`variations`, ``""`` for a single pair, and ``up`` or ``down``.
        """
        if not self.needs_variations(shape_variation):
            return WeightData(self.name, nominal)
        up, down = ([varied(name, side) for name in self.variations or ("",)] for side in ("up", "down"))
        if not self.variations:
            return WeightData(self.name, nominal, *up, *down)
        return WeightDataMultiVariation(self.name, nominal, self.variations, up, down)

    def evaluate(self, events: Any, size: int, shape_variation: str) -> tuple[Floats, dict[str, Floats]]:
        """Return the computed weight and its variations in a common form.

        Returns:
            The nominal weight, shape (size,), and variation name → weight, shape (size,).

        Raises:
            ConfigError: if shapes are wrong, values aren't finite, or declared variations are missing.
        """
        data = self.compute(events, size, shape_variation)
        if not isinstance(data, WeightData | WeightDataMultiVariation):
            # A list of arrays is treated like a tuple, a list of numbers is the nominal weight.
            is_list_of_arrays = isinstance(data, list) and data and np.ndim(data[0]) == 1
            arrays = data if isinstance(data, tuple) or is_list_of_arrays else (data,)
            if not 1 <= len(arrays) <= 4:
                raise ConfigError(
                    f"weight {self.name!r} returned {len(arrays)} arrays, neither (nominal, up, down) nor (nominal, "
                    "names, up, down)"
                )
            data = (WeightDataMultiVariation if len(arrays) == 4 else WeightData)(self.name, *arrays)
        nominal = self._checked(data.nominal, size, "nominal")
        names = self.variation_names() if self.needs_variations(shape_variation) else []
        if not names:
            return nominal, {}
        if isinstance(data, WeightDataMultiVariation):
            if not all(isinstance(part, Sequence) for part in (data.variations, data.up, data.down)):
                raise ConfigError(f"weight {self.name!r} returned no lists of names, of up and of down variations")
            if tuple(data.variations) != self.variations:
                raise ConfigError(
                    f"weight {self.name!r} returned the variations {list(data.variations)}, "
                    f"but declares {list(self.variations)}"
                )
            pairs = list(zip_longest(self.variations, data.up, data.down))
        else:
            pairs = [("", data.up, data.down)]
        values = [
            side
            for variation, up, down in pairs
            for side in ((up,) if mode_of(self.symmetrise, variation or "") and down is None else (up, down))
        ]
        if self.symmetrise and len(values) > len(names):
            raise ConfigError(f"weight {self.name!r} is symmetrised, but returned more than {', '.join(names)}")
        if len(values) != len(names) or any(value is None for value in values):
            raise ConfigError(
                f"weight {self.name!r} has variations, but did not return all of {', '.join(names)}; symmetrise is for "
                "those that are computed up only"
            )
        return nominal, {name: self._checked(value, size, name) for name, value in zip(names, values, strict=True)}

    def evaluate_following(self, events: Any, size: int, variations: Iterable[str]) -> dict[str, Floats]:
        """Return the weight in variations of the weight that it follows.

        Args:
            events: as in :meth:`compute`.
            size: number of events.
            variations: names of the variations of the followed weight.

        Returns:
            Variation name → weight, shape (size,).

        Raises:
            ConfigError: if shapes are wrong, values aren't finite, or a variation is missing.
        """
        keys = {variation: systematic_key(variation, str(self.follows)) for variation in variations}
        values = self.compute_following(events, size, tuple(keys.values()))
        missing = [key for key in keys.values() if key not in values]
        if missing:
            raise ConfigError(
                f"weight {self.name!r} follows {self.follows!r}, but did not return {', '.join(missing)} for it"
            )
        return {variation: self._checked(values[key], size, variation) for variation, key in keys.items()}

    def _checked(self, values: Any, size: int, which: str) -> Floats:
        if values is None:
            raise ConfigError(f"weight {self.name!r} ({which}) is None, expected one number per event ({size})")
        try:
            array = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(f"weight {self.name!r} ({which}) is not one number per event: {reason}") from None
        if array.shape == ():
            array = np.full(size, array)
        if array.shape != (size,):
            raise ConfigError(f"weight {self.name!r} ({which}) has shape {array.shape}, expected ({size},)")
        finite = np.isfinite(array)
        if not finite.all():
            raise ConfigError(
                f"weight {self.name!r} ({which}) is not finite for {int((~finite).sum())} of {size} events"
            )
        return array


#: what the function of a weight is called with
_ARGUMENTS = ("params", "metadata", "events", "size", "shape_variation")


class WeightLambda(WeightWrapper):
    """Weight from a function, see :meth:`wrap_func`."""

    function: ClassVar[Callable[..., Any]]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the result of the wrapped function."""
        return type(self).function(self.params, self.metadata, events, size, shape_variation)

    @classmethod
    @declarative
    def wrap_func(
        cls,
        name: str,
        function: Callable[..., Any],
        has_variations: bool = False,
        variations: Sequence[str] | None = None,
        isMC_only: bool = True,
        symmetrise: str | Mapping[str, str] = "",
    ) -> type[WeightWrapper]:
        """Return a weight class from ``function(params, metadata, events, size, shape_variation)``.

        Args:
            name: name of the weight.
            function: returns any result that :meth:`WeightWrapper.compute` may return.
            has_variations: whether it returns variations as well.
            variations: names of several variations; none for one up/down pair.
            isMC_only: whether the weight isn't applied to data.
            symmetrise: for variations that are computed up only, see :class:`WeightWrapper`.

        Raises:
            ConfigError: if the function doesn't take these five arguments.
        """
        _check_arguments(name, function)
        attributes = {
            "name": name,
            "function": staticmethod(function),
            "has_variations": has_variations,
            "_variations": tuple(variations or ()),
            "isMC_only": isMC_only,
            "symmetrise": symmetrise,
        }
        return type(name, (cls,), attributes)


def _check_arguments(name: str, function: Callable[..., Any]) -> None:
    try:
        inspect.signature(function).bind(*_ARGUMENTS)
    except TypeError as error:
        raise ConfigError(f"weight {name!r}: function must take ({', '.join(_ARGUMENTS)}): {error}") from None
    except ValueError:
        # Compiled functions have no signature.
        pass


class WeightOfYear(WeightWrapper):
    """Weight with the corrections that the parameters have for the dataset's year."""

    @property
    def year(self) -> str:
        """Year of the dataset."""
        return str(self.metadata["year"])

    def chosen_variations(self, weight: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return ``systematic_variations.weight_variations.<weight>.<year>`` of the parameters, if it is there."""
        section = ("systematic_variations", "weight_variations")
        chosen = section[0] in self.params and weight in parameter(self.params, *section)
        return tuple(parameter(self.params, *section, weight, self.year)) if chosen else default


class NormalisationWeight(WeightWrapper):
    """Factor per dataset, which is applied once when outputs are merged instead of event by event."""

    def factor(self) -> float:
        """Return the factor."""
        raise NotImplementedError

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, since partial outputs contain raw sums."""
        return np.ones(size)
