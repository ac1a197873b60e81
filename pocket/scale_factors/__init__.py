"""Scale factors: declared by an analysis, measured or imported, written as corrections, applied to events.

A method of your own is a subclass of :class:`ScaleFactor`, or of a base with data or with passing and failing entries,
whose ``method`` names a function ``"module:function"``, see docs/reference/scale_factors.md.

>>> from pocket.scale_factors import LogNormal
>>> LogNormal("wjets_rate", kappa=1.3, samples=("WJets",)).kappa
1.3
"""

import lazy_loader

from pocket.base.runtime.remarks import former_names

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = former_names(__name__, {"Kept": "PreservedYield"}, __getattr__)
