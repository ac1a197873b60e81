"""The benchmarks of the engine's speed: ``python -m benchmarks``."""

import sys

from benchmarks.throughput.command import main

if __name__ == "__main__":
    sys.exit(main())
