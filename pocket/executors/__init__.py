"""Executors of a workflow's branches: this process, processes of this machine, or a Dask cluster.

>>> from pocket.executors import available_cores
>>> available_cores() >= 1
True
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
