"""Datacards on the command line: one path, or several with labels, and what words with ``$`` in them stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pocket.errors import ConfigError

#: what ``$MASS`` stands for by default, as for combine
MASS = "120"
_LABELLED = re.compile(r"(?P<label>[A-Za-z]\w*)=(?P<path>.+)")


@dataclass(frozen=True)
class Card:
    """A datacard, or several that are combined.

    Args:
        cards: label and path of each; the label of a single card may be empty.
        mass: what ``$MASS`` stands for.
        keywords: other words with ``$``, and what they stand for.
        maps: parameters of interest as combine's ``multiSignalModel`` takes them, with commas in between; empty for
            those of the card.

    >>> card = Card.of("a=/x/one.txt,b=/x/two.txt", keywords=["ERA=2018"])
    >>> card.name, str(card), card.keywords
    ('a_b', 'a=/x/one.txt,b=/x/two.txt', (('ERA', '2018'),))
    """

    cards: tuple[tuple[str, str], ...]
    mass: str = MASS
    keywords: tuple[tuple[str, str], ...] = ()
    maps: str = ""

    @classmethod
    def of(cls, text: str, mass: str = MASS, keywords: Iterable[str] = (), maps: str = "") -> Card:
        """Return the card or cards that options stand for.

        Args:
            text: a path, or ``label=path`` with commas in between.
            mass: what ``$MASS`` stands for.
            keywords: ``WORD=value`` for other words.
            maps: ``region/process:poi[initial,low,high]`` with commas in between.

        Raises:
            ConfigError: if one has another form, or a label is given twice.
        """
        found: list[tuple[str, str]] = []
        parts = text.split(",")
        # A path may have commas and equals signs.
        if not Path(text).expanduser().is_file() and any(map(_LABELLED.fullmatch, parts)):
            for part in parts:
                match = _LABELLED.fullmatch(part)
                if not match:
                    raise ConfigError(f"--card: expected label=path for each of several cards, not {part!r}")
                found.append((match["label"], match["path"]))
        else:
            found.append(("", text))
        labels = [label for label, _ in found]
        if len(set(labels)) < len(labels):
            raise ConfigError(f"--card: two cards have the same label: {', '.join(labels)}")
        words: dict[str, str] = {}
        for pair in keywords:
            word, equals, value = str(pair).removeprefix("$").partition("=")
            if not (word.isidentifier() and equals) or word in words:
                raise ConfigError(f"--keywords: expected WORD=value, each word once, not {pair!r}")
            words[word] = value
        paths = tuple((label, str(Path(path).expanduser().absolute())) for label, path in found)
        return cls(paths, mass, tuple(words.items()), maps)

    def __str__(self) -> str:
        """Return the text for the command line."""
        return ",".join(f"{label}={path}" if label else path for label, path in self.cards)

    @property
    def name(self) -> str:
        """The labels, or the name of the file without its suffixes."""
        labels = [label for label, _ in self.cards if label]
        return "_".join(labels) or Path(self.cards[0][1]).name.partition(".")[0]

    @property
    def paths(self) -> dict[str, Path]:
        """Label → path."""
        return {label: Path(path) for label, path in self.cards}
