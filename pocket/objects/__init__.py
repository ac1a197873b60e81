"""Selection, combination and matching of physics objects.

>>> import awkward as ak
>>> import vector
>>> from pocket.objects import delta_r
>>> vector.register_awkward()
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
