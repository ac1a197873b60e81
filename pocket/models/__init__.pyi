"""Public names of :mod:`pocket.models`, loaded when they are used."""

from .backends import Model as Model, OnnxModel as OnnxModel, XGBoostModel as XGBoostModel
from .delayed_columns import DelayedColumn as DelayedColumn
