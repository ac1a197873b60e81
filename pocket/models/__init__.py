"""Columns that are computed once per event for all variations, such as the scores of trained models.

>>> from pocket.models import OnnxModel
>>> OnnxModel("classifier.onnx")
OnnxModel(path='classifier.onnx', output=None)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
