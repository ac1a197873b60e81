"""Scale factors of electrons and photons whose variation down isn't positive in bins of the group's files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pocket.configuration.used_corrections import corrections_of_config
from pocket.corrections.files import find_corrections, read_corrections
from pocket.corrections.tree import kind_of, walk_with_keys
from pocket.errors import ConfigError
from pocket.parameters.public_places import CorrectionPlace

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator


def vanishing_notes(config: Configurator) -> Iterator[str]:
    """Yield a sentence for each correction in use whose variation down is 0 or less in a bin; not for missing files."""
    for file, name, year in dict.fromkeys((*pair, year) for pair, _, year in corrections_of_config(config)):
        place = CorrectionPlace.of(file)
        if place is None or place.group != "EGM":
            continue
        try:
            trees = [each["data"] for each in read_corrections(find_corrections(file)) if each["name"] == name]
        except ConfigError:
            continue
        nodes = [(node, dict(keys)) for tree in trees for node, keys in walk_with_keys(tree)]
        points = {
            keys.get("WorkingPoint") or keys.get("Path")
            for node, keys in nodes
            if keys.get("ValType") == "sfdown" and kind_of(node) == "number" and node <= 0
        }
        if points:
            yield (
                f"{name} of {file} is 0 or less for sfdown in bins of {', '.join(sorted(map(str, points)))}, mostly in "
                f"the transition of the ECAL or at low pt: select no objects of {year} there, unless this is meant"
            )
