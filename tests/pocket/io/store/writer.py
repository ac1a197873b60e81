"""Writes an output again and again: ``writer.py <directory> <first number> <times> [<URL in a remote store>]``.

Instead of how often, a path may be given: then it goes on until a file is there. It prints the last number.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from pocket.io.store import write_output


def write(directory: Path, number: int, remote: str | None = None) -> None:
    """Write an output whose files all hold the number."""
    inputs = {"number": str(number)}
    with write_output(directory, task="Write", inputs=inputs, remote=remote, number=number) as temporary:
        (temporary / "sub").mkdir()
        for name in ("a.txt", "b.txt", "sub/c.txt"):
            (temporary / name).write_text(f"{number:06d}" * 1000)


if __name__ == "__main__":
    print("ready", flush=True)
    first, until = int(sys.argv[2]), sys.argv[3]
    for number in range(first, first + int(until)) if until.isdecimal() else itertools.count(first):
        write(Path(sys.argv[1]), number, *sys.argv[4:])
        if not until.isdecimal() and Path(until).exists():
            print(number)
            break
