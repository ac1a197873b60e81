"""Interactive use, in notebooks and scripts without law: processing of files, outputs and their plots.

>>> from pocket.interactive import Table
>>> Table("Events", "Cut", {"skim": {"DY": 5}}).columns
('DY',)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
