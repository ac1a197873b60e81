"""The look of plots, set by the ``plotting_style`` parameters with PocketCoffea's option names."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import MISSING

from pocket.base.dialects import dialect
from pocket.base.runtime.remarks import remark, some_of
from pocket.errors import ConfigError, MissingParameterError, check_known, nearest
from pocket.parameters.checking import resembled
from pocket.plots.honoured_options import HONOURED, honoured, ignored

if TYPE_CHECKING:
    from pocket.base.typing import Floats, Mask

FORMATS = ("pdf", "png", "svg")
#: Similarity from which an unknown option counts as a misspelling of a known one.
_MISSPELT = 0.75
_HEXADECIMAL = re.compile(r"#[0-9a-fA-F]{6}")
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class BlindHists:
    """Ranges [low, high] of histograms in which data are hidden, in the named categories."""

    categories: Sequence[str] = ()
    histograms: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = "plotting_style.blind_hists"
        _check_names(self.categories, f"{where}.categories")
        for name, limits in _check_mapping(self.histograms, f"{where}.histograms").items():
            if not _is_range(limits):
                raise ConfigError(f"{where}.histograms.{name} must be [low, high], not {limits!r}")

    def hidden(self, category: str, histogram: str, bounds: Sequence[float] | Floats) -> Mask:
        """Return the bins that overlap the blinded range, shape (bins,); bounds may be infinite."""
        edges = np.asarray(bounds, dtype=np.float64)
        if category not in self.categories or histogram not in self.histograms:
            return np.zeros(edges.size - 1, dtype=np.bool_)
        low, high = self.histograms[histogram]
        return np.asarray((edges[1:] > low) & (edges[:-1] < high), dtype=np.bool_)


@dataclass(frozen=True, kw_only=True)
class PlotStyle:
    """The ``plotting_style`` parameters, which ``docs/reference/plot_style.md`` describes.

    Sample names may be those of groups after grouping.
    """

    label: str = "Private work"
    formats: Sequence[str] = ("pdf", "png")
    dpi: int = 100
    log_histograms: Sequence[str] = ()
    labels_mc: Mapping[str, str] = field(default_factory=dict)
    colors_mc: Mapping[str, Any] = field(default_factory=dict)
    order_mc: Sequence[str] = ()
    samples_groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    only_samples: Sequence[str] = ()
    exclude_samples: Sequence[str] = ()
    rescale_samples: Mapping[str, float] = field(default_factory=dict)
    signal_samples: Mapping[str, float] = field(default_factory=dict)
    blind_hists: BlindHists = field(default_factory=BlindHists)
    fontsize: float = 26.0
    fontsize_legend: float = 20.0
    opts_figure: Mapping[str, Any] = field(default_factory=dict)
    opts_data: Mapping[str, Any] = field(default_factory=dict)
    opts_mc: Mapping[str, Any] = field(default_factory=dict)
    opts_unc: Mapping[str, Any] = field(default_factory=dict)
    opts_sig: Mapping[str, Any] = field(default_factory=dict)
    opts_ylim: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = "plotting_style"
        for name in ("formats", "log_histograms", "order_mc", "only_samples", "exclude_samples"):
            _check_names(getattr(self, name), f"{where}.{name}")
        check_known("format", self.formats, FORMATS, f"{where}.formats")
        if not isinstance(self.dpi, int) or self.dpi < 1:
            raise ConfigError(f"{where}.dpi must be a positive integer, not {self.dpi!r}")
        for sample, text in _check_mapping(self.labels_mc, f"{where}.labels_mc").items():
            if not isinstance(text, str):
                raise ConfigError(f"{where}.labels_mc.{sample} must be a string, not {text!r}")
        for sample, color in _check_mapping(self.colors_mc, f"{where}.colors_mc").items():
            if not _is_color(color):
                raise _no_color(f"{where}.colors_mc.{sample}", color)
        for group, samples in _check_mapping(self.samples_groups, f"{where}.samples_groups").items():
            _check_names(samples, f"{where}.samples_groups.{group}")
        grouped = [sample for samples in self.samples_groups.values() for sample in samples]
        for sample in grouped:
            if grouped.count(sample) > 1:
                raise ConfigError(f"{where}.samples_groups: sample {sample!r} appears twice")
        for name in ("rescale_samples", "signal_samples"):
            for sample, factor in _check_mapping(getattr(self, name), f"{where}.{name}").items():
                if not _is_number(factor) or factor <= 0:
                    raise ConfigError(f"{where}.{name}.{sample} must be a positive number, not {factor!r}")
        for name in ("fontsize", "fontsize_legend"):
            _check_positive(getattr(self, name), f"{where}.{name}")
        for name in HONOURED:
            _check_mapping(getattr(self, name), f"{where}.{name}")
        self._check_looks(where)

    def _check_looks(self, where: str) -> None:
        for path in (("opts_figure", "datamc_ratio"), ("opts_unc", "total"), ("opts_ylim", "datamc")):
            _check_mapping(getattr(self, path[0]).get(path[1], {}), f"{where}.{'.'.join(path)}")
        place = f"{where}.opts_figure.datamc_ratio"
        for name, pair in (("figsize", self.figure_size), ("gridspec_kw.height_ratios", self.height_ratios)):
            if not (_is_list(pair) and len(pair) == 2 and all(_is_number(part) and part > 0 for part in pair)):
                raise ConfigError(f"{place}.{name} must be two positive numbers, not {pair!r}")
        for name, options in (("opts_data", self.opts_data), ("opts_unc.total", self.opts_unc.get("total", {}))):
            if "color" in options and not _is_color(options["color"]):
                raise _no_color(f"{where}.{name}.color", options["color"])
        for name, options in (("opts_data", self.opts_data), ("opts_sig", self.opts_sig)):
            for size in ("markersize", "elinewidth", "linewidth"):
                _check_positive(options.get(size, 1), f"{where}.{name}.{size}", or_zero=True)
        for end in ("lo", "hi"):
            if (value := self._ylim.get(end)) is not None:
                _check_positive(value, f"{where}.opts_ylim.datamc.ylim_log.{end}")

    @property
    def figure_size(self) -> tuple[float, float]:
        """Width and height of a plot of data and simulation, in inches."""
        size: tuple[float, float] = self.opts_figure.get("datamc_ratio", {}).get("figsize", (10.0, 10.0))
        return size

    @property
    def height_ratios(self) -> tuple[float, float]:
        """Heights of its two panels, in any unit."""
        grid = self.opts_figure.get("datamc_ratio", {}).get("gridspec_kw", {})
        ratios: tuple[float, float] = grid.get("height_ratios", (0.63, 0.19))
        return ratios

    @property
    def is_stacked(self) -> bool:
        """Whether simulation is drawn as a stack."""
        return bool(self.opts_mc.get("stack", True)) and self.opts_mc.get("histtype", "fill") != "step"

    @property
    def points_look(self) -> dict[str, Any]:
        """Look of data points, as matplotlib's arguments."""
        return {name: value for name, value in self.opts_data.items() if name != "label"}

    @property
    def band_look(self) -> dict[str, Any]:
        """Look of the band of all uncertainties, as matplotlib's arguments."""
        total = self.opts_unc.get("total", {})
        return {{"color": "edgecolor"}.get(name, name): value for name, value in total.items()}

    @property
    def log_limits(self) -> tuple[float | None, float | None]:
        """Ends of logarithmic axes; ``None`` for those that fit the contents."""
        low, high = (self._ylim.get(end) for end in ("lo", "hi"))
        return None if low is None else float(low), None if high is None else float(high)

    @property
    def _ylim(self) -> Mapping[str, Any]:
        limits: Mapping[str, Any] = self.opts_ylim.get("datamc", {}).get("ylim_log", {})
        return limits

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> PlotStyle:
        """Return the style of the ``plotting_style`` section of the parameters, which are plain containers."""
        options = _accepted(_check_mapping(parameters, "plotting_style"))
        options = _check_options(cls, options, "plotting_style")
        _refuse_missing(options, "plotting_style")
        if "blind_hists" in options:
            blind = _check_options(BlindHists, options["blind_hists"], "plotting_style.blind_hists")
            options["blind_hists"] = BlindHists(**blind)
        return cls(**options)

    def is_log(self, histogram: str) -> bool:
        """Whether the histogram is drawn with a logarithmic vertical axis."""
        return any(fnmatchcase(histogram, pattern) for pattern in self.log_histograms)

    def label_of(self, sample: str) -> str:
        """Return the legend label of a sample or group."""
        return self.labels_mc.get(sample, sample)

    def color_of(self, sample: str) -> str | None:
        """Return the colour of a sample or group as ``#rrggbb``, None if it isn't set."""
        if sample not in self.colors_mc:
            return None
        from matplotlib.colors import to_hex

        return to_hex(self.colors_mc[sample])


def _accepted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are honoured, in the words that are used here; note all others once."""
    own, no_effect = dialect().style_in_own_words(options), dialect().ignored_style
    names = [item.name for item in dataclasses.fields(PlotStyle)]
    # What looks like a misspelt option stays, so that it is refused.
    others = [name for name in own if name not in names]
    free = [name for name in others if name in no_effect or not resembled(name, names, _MISSPELT, forms=False)]
    kept = {name: value for name, value in own.items() if name not in free}
    looks = {name: value for name, value in kept.items() if name in HONOURED and isinstance(value, Mapping)}
    if left_out := [*free, *ignored(looks)]:
        remark(f"plotting_style: {some_of(left_out)} have no effect on the plots made here, so they are ignored")
    return {**kept, **honoured(looks, HONOURED)}


def _refuse_missing(options: Any, place: str) -> None:
    """Refuse missing values, since all of them are used here."""
    entries = options.items() if isinstance(options, Mapping) else enumerate(options) if _is_list(options) else ()
    for key, value in entries:
        if value == MISSING:
            raise MissingParameterError(f"parameter {place}.{key} is still '???', give it a value")
        _refuse_missing(value, f"{place}.{key}")


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _check_options(kind: type[PlotStyle | BlindHists], options: Any, where: str) -> dict[str, Any]:
    known = [item.name for item in dataclasses.fields(kind)]
    check_known("option", _check_mapping(options, where), known, where)
    return dict(options)


def _check_mapping(value: Any, where: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a mapping of names, not {value!r}")
    return value


def _check_names(value: Any, where: str) -> None:
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{where} must be a list of names, not {value!r}")


def _no_color(place: str, value: Any) -> ConfigError:
    from matplotlib.colors import get_named_colors_mapping

    # Names such as "xkcd:bordeaux" are long, and near each other.
    known = [name for name in get_named_colors_mapping() if ":" not in name and len(name) > 1]
    close = nearest(value, known, 1) if isinstance(value, str) else []
    hint = f"did you mean {close[0]!r}? Or " if close else ""
    return ConfigError(f"{place}: {value!r} is not a colour, {hint}write it like '#5790fc'")


def _is_color(value: Any) -> bool:
    if isinstance(value, str) and _HEXADECIMAL.fullmatch(value):
        return True
    # The import is slow, and tasks check the style whenever they start.
    from matplotlib.colors import is_color_like

    return is_color_like(value)


def _check_positive(value: Any, where: str, or_zero: bool = False) -> None:
    # YAML reads 1e7 as a string.
    number = float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value
    if not _is_number(number) or number < 0 or (number == 0 and not or_zero):
        raise ConfigError(f"{where} must be a positive number, not {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_range(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(map(_is_number, value)) and value[0] < value[1]
