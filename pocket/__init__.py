"""Pocketlaw: declarative CMS analysis, filled in one pass by a coffea processor, with scale factors that close.

The names below are public, and each is loaded when it is first used. All others may move with any release.

>>> import pocket
>>> "Configurator" in pocket.__all__
True
"""

import lazy_loader

__version__ = "0.3.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
