"""PocketCoffea's plotting options in the words that are used here, and the names of those that are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Other name of an option → its name.
OTHER_NAMES = {"labels": "labels_mc", "cms_label": "label", "colors": "colors_mc", "color": "colors_mc"}
#: Options that are ignored as a whole.
IGNORED = (
    *("categorical_axes_data", "categorical_axes_mc", "collapse_datasets", "compare", "experiment_label_loc"),
    *("fontsize_legend_ratio", "opts_axes", "opts_syst", "plot_upper_label", "print_info"),
)
#: PocketCoffea's names of the ten colours that CMS recommends (M. Petroff, arXiv:2107.02270).
COLORS = {
    "CMS_blue": "#3f90da",
    "CMS_orange": "#ffa90e",
    "CMS_red": "#bd1f01",
    "CMS_gray": "#94a4a2",
    "CMS_purple": "#832db6",
    "CMS_brown": "#a96b59",
    "CMS_dark_orange": "#e76300",
    "CMS_beige": "#b9ac70",
    "CMS_dark_gray": "#717581",
    "CMS_light_blue": "#92dadd",
}


def in_own_words(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with the names and colours that are used here.

    Of an option that has both names, the other one counts, since the shipped parameters have ours.

    >>> in_own_words({"labels": {"DY": "Drell-Yan"}, "colors_mc": {"DY": "CMS_blue"}})
    {'colors_mc': {'DY': '#3f90da'}, 'labels_mc': {'DY': 'Drell-Yan'}}
    """
    own = {name: value for name, value in options.items() if name not in OTHER_NAMES}
    for other, name in OTHER_NAMES.items():
        if other in options:
            value: Any = options[other]
            before: Any = own.get(name)
            both = isinstance(value, Mapping) and isinstance(before, Mapping)
            own[name] = {**before, **value} if both else value
    colors = own.get("colors_mc")
    if isinstance(colors, Mapping):
        own["colors_mc"] = {
            sample: COLORS.get(color, color) if isinstance(color, str) else color for sample, color in colors.items()
        }
    return own
