"""Writes an output and counts what it does in the store: ``counted_writer.py <directory>``.

Printed is a JSON object: audit event → how often it named a path in the parent of the output's folder, or below.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from tests.pocket.io.store.writer import write

if __name__ == "__main__":
    directory = Path(sys.argv[1])
    # What is looked up once per process is known then.
    write(directory.with_name("first"), 0)
    counted: Counter[str] = Counter()

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if arguments and str(arguments[0]).startswith(str(directory.parent)):
            counted[event] += 1

    sys.addaudithook(count)
    write(directory, 1)
    found = dict(counted)
    print(json.dumps(found))
