"""Cuts, and the categories of events and objects that they define.

>>> from pocket.cuts import get_nObj_min
>>> get_nObj_min(2, minpt=30.0, coll="JetGood").name
'nJetGood_min2_pt30.0'
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
