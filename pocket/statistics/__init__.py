"""Statistics: binned models of templates, their likelihood, fits, intervals, limits, impacts and toys.

>>> from pocket.statistics import Formula
>>> Formula("@0*@1", ("a", "b")).evaluate([2.0, 3.0])[0]
6.0
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
