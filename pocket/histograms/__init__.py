"""Histograms: declarations, factories for common ones, and conversion to hist.

>>> from pocket.histograms import muon_hists
>>> list(muon_hists(coll="MuonGood", pos=0))
['MuonGood_eta_1', 'MuonGood_pt_1', 'MuonGood_phi_1']
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
