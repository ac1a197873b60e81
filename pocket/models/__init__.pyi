"""Public names of :mod:`pocket.models`, loaded when they are used."""

from .backends import (
    Model as Model,
)
from .backends import (
    OnnxModel as OnnxModel,
)
from .backends import (
    XGBoostModel as XGBoostModel,
)
from .delayed_columns import DelayedColumn as DelayedColumn
