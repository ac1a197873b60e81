"""Corrections in correctionlib files: loading, evaluation for the objects of events, and cached bins.

>>> from pocket.corrections import load_correction
>>> load_correction("missing.json", "sf")
Traceback (most recent call last):
    ...
pocket.errors.ConfigError: correction file missing.json does not exist
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
