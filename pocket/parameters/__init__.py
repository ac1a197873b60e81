"""Composable YAML parameters: the shipped defaults, an analysis' own files, and values from the command line.

>>> from pocket.parameters import get_default_parameters
>>> get_default_parameters().lumi.picobarns["2018"].tot
59560.0
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
