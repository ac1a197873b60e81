"""Event weights: their definitions, and their assignment to samples and categories.

>>> import numpy as np
>>> from pocket.weights import WeightLambda
>>> Half = WeightLambda.wrap_func("half", lambda params, metadata, events, size, shape: np.full(size, 0.5))
>>> Half.name
'half'
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
