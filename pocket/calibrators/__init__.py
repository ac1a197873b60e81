"""Calibration of objects, and its shape variations.

>>> from pocket.calibrators import METCalibrator, default_calibrators_sequence
>>> METCalibrator in default_calibrators_sequence
True
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
