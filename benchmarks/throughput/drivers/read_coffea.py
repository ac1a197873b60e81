"""Reader of the output of ``pocket-coffea run``: ``python read_coffea.py OUTPUT.coffea TEMPLATES.npz``.

It runs in PocketCoffea's environment, and writes the templates in the form of all engines.
"""

import sys

from coffea.util import load
from templates import from_output, write_templates

if __name__ == "__main__":
    write_templates(sys.argv[2], from_output(load(sys.argv[1])))
