"""Columns: values of events and objects, exported to parquet for each sample, category and variation.

>>> from pocket.columns import ColOut
>>> ColOut("events", ["run", "event"]).collection
'events'
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
