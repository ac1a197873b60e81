"""Datacards on the command line: one path, or several with labels, and what words with ``$`` in them stand for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pocket.errors import ConfigError

#: what ``$MASS`` stands for by default, as for combine
MASS = "120"
#: longest name of several cards that isn't shortened
_LONGEST = 60
_LABELLED = re.compile(r"(?P<label>[A-Za-z]\w*)=(?P<path>.+)")


@dataclass(frozen=True)
class Card:
    """A datacard, or several with labels that are combined, and ``maps`` as for combine's ``multiSignalModel``.

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

        A text is a path, ``label=path`` with commas in between, a folder with cards, or ``@FILE`` with a path or
        ``label=path`` in each line, relative to it. Maps are ``region/process:poi[initial,low,high]``.
        """
        found: list[tuple[str, str]] = []
        parts = text.split(",")
        if text.startswith("@") or _is_there(text, Path.is_dir):
            found = _listed(Path(text.removeprefix("@")).expanduser())
        # A path may have commas and equals signs.
        elif not _is_there(text, Path.is_file) and any(map(_LABELLED.fullmatch, parts)):
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
        return ",".join(f"{label}={path}" if label else path for label, path in self.cards)

    @property
    def name(self) -> str:
        """The labels, or the name of the file without its suffixes; of many cards, the first label and a digest.

        >>> Card.of(",".join(f"region_{number}=/x/{number}.txt" for number in range(26))).name
        'region_0_and_25_more_1efddc4f'
        """
        labels = [label for label, _ in self.cards if label]
        name = "_".join(labels) or Path(self.cards[0][1]).name.partition(".")[0]
        if len(name) <= _LONGEST:
            return name
        digest = hashlib.sha256(str(self).encode()).hexdigest()[:8]
        return f"{name[:_LONGEST] if len(labels) < 2 else labels[0]}_and_{len(self.cards) - 1}_more_{digest}"

    @property
    def paths(self) -> dict[str, Path]:
        return {label: Path(path) for label, path in self.cards}


def _is_there(text: str, kind: Callable[[Path], bool]) -> bool:
    """Whether a text is the path of a file or folder; that of many cards is too long for one."""
    try:
        return kind(Path(text).expanduser())
    except OSError:
        return False


def _listed(path: Path) -> list[tuple[str, str]]:
    """Return label and path of the cards in a folder, or of those that a file lists."""
    if path.is_dir():
        found = [(card.name.partition(".")[0], str(card)) for card in sorted(path.glob("*.txt"))]
        if not found:
            raise ConfigError(f"--card: the folder {path} has no card, *.txt")
    else:
        if not path.is_file():
            raise ConfigError(f"--card: there is no list of cards {path}")
        lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
        found = []
        for line in filter(None, lines):
            match = _LABELLED.fullmatch(line)
            label, card = (match["label"], match["path"]) if match else (Path(line).name.partition(".")[0], line)
            found.append((label, str(path.parent / Path(card).expanduser())))
        if not found:
            raise ConfigError(f"--card: the list {path} has no card")
    return [(re.sub(r"\W", "_", label), card) for label, card in found]
