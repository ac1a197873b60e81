"""Former place of functions for parameters that another framework has, which works for one release more."""

from __future__ import annotations

import warnings
from typing import Any

from pocket.base.dialects import dialect
from pocket.base.runtime.remarks import remark


def __getattr__(name: str) -> Any:
    functions = dialect().parameter_functions
    if name not in functions:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    sentence = f"{__name__}.{name} is in {functions[name].__module__} now: the former place goes with the next release"
    remark(sentence)
    warnings.warn(sentence, DeprecationWarning, stacklevel=2)
    return functions[name]
