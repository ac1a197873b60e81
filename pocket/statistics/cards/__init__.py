"""Combine's datacards: written from a model, and read back, also those that others wrote.

>>> from pocket.statistics.model import FreeParameter, Model, RegionModel
>>> region = RegionModel("sr", ("signal", "other"), [[5.0], [3.0]], [[0.0], [0.0]], data=[7.0],
...     log_normals={"lumi": {"signal": (1 / 1.02, 1.02)}}, factors={"signal": ("r",)})
>>> model = Model((region,), pois={"r": FreeParameter(0, 20)}, nuisances=("lumi",))
>>> read_datacard(write_datacards(model, "cards")).region("sr").log_normals["lumi"]["signal"] == (1 / 1.02, 1.02)
True
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
