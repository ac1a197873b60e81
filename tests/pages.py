"""Blocks of the documentation's pages, and the comparison of what a page shows with what was printed.

A page is Markdown. The script that walks it (``tests/walk.py``) reads these blocks, in their order:

========================================  ===========================================================================
````` ```shell `````                      commands, for one shell that goes through the whole page
````` ```python `````                     code, for one interpreter that goes through the whole page
````` ```python title="muons/a.py" `````  a file, in any language, which is written to that path
````` ```diff title="muons/a.py" `````    a change of a file: lines with a space or ``-`` in front are looked for
````` ```text `````                       what the block before it prints; only directly behind commands or code
========================================  ===========================================================================

Comments of HTML say what the reader needn't see:

=====================================  ==============================================================================
``<!-- walk: run COMMAND -->``         a command that isn't shown
``<!-- walk: picture GLOB -->``        the next picture of the page is a copy of this file
``<!-- walk: fails CODE -->``          the next block ends with this exit code
``<!-- walk: needs PLACE -->``         the next block runs only there, as on lxplus, or takes so long, as two hours: it
                                       isn't executed, but listed in ``tests/not_executed.md``
``<!-- walk: given -->``               the next block is what the script has done before the page begins
``<!-- walk: begins with PAGE -->``    the page goes on where a tutorial has ended
``<!-- walk: commands after PAGE -->`` the same, and only commands of the page are run: its code is parts of something
=====================================  ==============================================================================

In what is printed, ``…`` stands for any text within a line, and alone in a line for any number of lines. A number with
a decimal point may differ by one in its last digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: the longest output that ``--update`` writes as a whole, and what is left of a longer one
LONGEST, HEAD, TAIL = 24, 14, 6
#: characters of a line that it writes
WIDTH = 150

#: what differs each time, with what is shown instead
VARYING = (
    (r"(?<![0-9a-zA-Z])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{10,64}\b", "…"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+\d\d:?\d\d)?", "…"),
    (r"\b\d{8}-\d{4,6}(-\d+)?\b", "…"),
    (r"\b\d{1,2}:\d\d:\d\d\b", "…"),
    (r"\b[\d,.]+[kM]? ([a-z]+)/s\b", r"… \1/s"),
    (r"\b[\d,.]+[kM]?/s\b", "…/s"),
    (r"\b(\d+ (h|min) )*[\d.]+ s\b", "… s"),
    (r"\b[\d.,]+ (GB|TB)\b", r"… \1"),
    (r"\bpid \d+", "pid …"),
)

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+)(?P<language>[\w+-]*)(?: +title=\"(?P<title>[^\"]+)\")? *$")
#: languages of commands, of which pages use the first one
SHELLS = ("shell", "bash", "console", "sh", "zsh")
#: words of comments that concern a whole page
_OF_PAGES = {"begins", "commands"}
_MARK = re.compile(r"^ *<!-- walk: (?P<word>[a-z]+)(?: (?P<rest>.*?))? -->$")
_PICTURE = re.compile(r"!\[[^\]]*\]\((?:[^)]*/)?pictures/(?P<name>[\w.-]+\.png)\)")


@dataclass(frozen=True)
class Block:
    """A step of a page.

    Args:
        kind: ``shell``, ``python``, ``file``, ``diff`` or ``picture``.
        text: the commands, the code, the content, or the pattern of the picture's file.
        line: number of the first line of the text.
        title: path of a file, or name of a picture.
        marks: words of the comments before it, with what follows them.
        output: what is shown behind it.
        output_line: number of the first line of the output.
    """

    kind: str
    text: str
    line: int
    title: str
    marks: dict[str, str]
    output: str | None = None
    output_line: int = 0

    @property
    def is_executed(self) -> bool:
        """Whether it runs here, and not only somewhere else."""
        return not {"needs", "given"} & self.marks.keys()


def read_marks(page: Path) -> dict[str, str]:
    """Return the comments that concern a whole page."""
    marks = (_MARK.match(line) for line in page.read_text(encoding="utf-8").splitlines())
    return {mark["word"]: mark["rest"] or "" for mark in marks if mark and mark["word"] in _OF_PAGES}


def beginning_of(page: Path) -> str:
    """Return the page of tutorials or reference that a page goes on from, empty if it begins with nothing."""
    marks = read_marks(page)
    return marks.get("begins", "").removeprefix("with ") or marks.get("commands", "").removeprefix("after ")


def page_of(name: str) -> Path:
    """Return the page that :func:`beginning_of` names."""
    tutorial = ROOT / "docs" / "tutorials" / f"{name}.md"
    return tutorial if tutorial.exists() else ROOT / "docs" / "reference" / f"{name}.md"


def is_walked(page: Path) -> bool:
    """Return whether a page is walked as a whole, which its marks say."""
    return "<!-- walk: " in page.read_text(encoding="utf-8") and "commands" not in read_marks(page)


def pages_with_commands() -> list[Path]:
    """Return the pages of the repository whose commands are run, but not their code."""
    return [page for page in all_pages() if "commands" in read_marks(page)]


def all_pages() -> list[Path]:
    """Return the pages of the repository: README and its like, and those of the site."""
    beside = ("README.md", "CONTRIBUTING.md", "benchmarks/README.md", "tests/README.md")
    return [*(ROOT / name for name in beside), *sorted((ROOT / "docs").rglob("*.md"))]


def read_blocks(page: Path) -> list[Block]:
    """Return the steps of a page, in their order."""
    return list(_attach_outputs(_scan(page.read_text(encoding="utf-8").splitlines(), page)))


def _scan(lines: Sequence[str], page: Path) -> Iterator[Block | None]:
    """Yield the blocks, outputs among them, and None for text, which parts an output from its commands."""
    marks: dict[str, str] = {}
    picture = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if mark := _MARK.match(line):
            word, rest = mark["word"], mark["rest"] or ""
            if word == "run":
                yield Block("shell", rest, number, "", {"hidden": ""})
            elif word == "picture":
                picture = rest
            elif word in {"fails", "needs", "given"}:
                marks[word] = rest
            elif word not in _OF_PAGES:
                raise ValueError(f"{page}, line {number}: unknown mark {word!r}")
        elif fence := _FENCE.match(line):
            end = number
            while lines[end] != fence["indent"] + fence["fence"]:
                end += 1
            text = "".join(text.removeprefix(fence["indent"]) + "\n" for text in lines[number:end])
            language, title = fence["language"], fence["title"] or ""
            kind = language if language in {"shell", "python", "text", "diff"} else "other"
            if title and kind != "diff":
                kind = "file"
            yield Block(kind, text, number + 1, title, marks)
            marks, number = {}, end + 1
        elif shown := _PICTURE.search(line):
            if picture:
                yield Block("picture", picture, number, shown["name"], {})
            picture = ""
        elif line.strip():
            yield None


def _attach_outputs(parts: Iterator[Block | None]) -> Iterator[Block]:
    before: Block | None = None
    for part in parts:
        if part is not None and part.kind == "text" and before is not None and before.kind in {"shell", "python"}:
            yield Block(before.kind, before.text, before.line, before.title, before.marks, part.text, part.line)
            before = None
            continue
        if before is not None:
            yield before
        before = part if part is not None and part.kind not in {"text", "other"} else None
    if before is not None:
        yield before


def apply_diff(content: str, change: str) -> str:
    """Return the content of a file after a change of lines, each of which must be found exactly once."""
    hunks = re.split(r"^@@.*\n", change, flags=re.MULTILINE)
    for hunk in filter(None, hunks):
        lines = [line if line else " " for line in hunk.splitlines()]
        old = "".join(line[1:] + "\n" for line in lines if line[0] in " -")
        new = "".join(line[1:] + "\n" for line in lines if line[0] in " +")
        if (count := content.count(old)) != 1:
            raise ValueError(f"these lines are there {count} times, not once:\n{old}")
        content = content.replace(old, new)
    return content


def agrees(shown: str, printed: str) -> bool:
    """Return whether what was printed is what the page shows."""
    lines, found = _lines(shown), _lines(printed)
    line = place = 0
    gap: tuple[int, int] | None = None
    while place < len(found):
        if line < len(lines) and lines[line].strip() == "…":
            # As few lines as possible at first, one more each time that what follows doesn't fit.
            gap = (line + 1, place)
            line += 1
        elif line < len(lines) and line_agrees(lines[line], found[place]):
            line, place = line + 1, place + 1
        elif gap is not None:
            gap = (gap[0], gap[1] + 1)
            line, place = gap
        else:
            return False
    return all(rest.strip() == "…" for rest in lines[line:])


def line_agrees(shown: str, printed: str) -> bool:
    """Return whether a line is what the page shows, but for ``…`` and the last digits of numbers."""
    # What stands for ``…`` has another width each time, and so have the spaces between columns of a table.
    if "…" in shown:
        shown, printed = (re.sub(r"(?<=\S) {2,}", "  ", line) for line in (shown, printed))
    if _begins_and_ends(re.split(" *… *", shown), printed):
        return True
    number = r"(\d+\.\d+)"
    expected, found = re.split(number, shown), re.split(number, printed)
    if len(expected) != len(found) or expected[::2] != found[::2]:
        return False
    return all(_is_close(one, other) for one, other in zip(expected[1::2], found[1::2], strict=True))


def _begins_and_ends(parts: Sequence[str], text: str) -> bool:
    """Return whether a text has parts in their order, the first at its beginning and the last at its end."""
    first, *middle = parts
    if not middle:
        return text == first
    last, place = middle.pop(), len(first)
    for part in middle:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return text.startswith(first) and text.endswith(last) and place <= len(text) - len(last)


def _is_close(one: str, other: str) -> bool:
    digits = len(one.partition(".")[2])
    return digits == len(other.partition(".")[2]) and abs(float(one) - float(other)) < 1.5 * 10**-digits


def _lines(text: str) -> list[str]:
    """Return lines without what isn't seen: spaces at their ends, empty lines, and what a bar has drawn over."""
    return [line for line in _drawn(text) if line]


def _drawn(text: str) -> list[str]:
    return [line.rpartition("\r")[2].rstrip() for line in text.strip("\n").split("\n")]


def shortened(printed: str) -> str:
    """Return what a page shows of what was printed: without what differs each time, and not too long."""
    drawn = _drawn(printed)
    lines = [line for line, before in zip(drawn, ["", *drawn], strict=False) if line or before]
    for pattern, shown in VARYING:
        lines = [re.sub(pattern, shown, line) for line in lines]
    lines = [line if len(line) <= WIDTH else f"{line[:WIDTH]}…" for line in lines]
    if len(lines) > LONGEST:
        lines = [*lines[:HEAD], "…", *lines[-TAIL:]]
    return "".join(line + "\n" for line in lines)


def with_outputs(page: Path, outputs: Sequence[tuple[Block, str]]) -> str:
    """Return a page with other outputs."""
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    for block, output in sorted(outputs, key=lambda item: -item[0].line):
        assert block.output is not None
        first = block.output_line - 1
        lines[first : first + block.output.count("\n")] = output.splitlines(keepends=True)
    return "".join(lines)
