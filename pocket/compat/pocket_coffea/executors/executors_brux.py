"""Names of ``pocket_coffea.executors.executors_brux``."""

from pocket.compat.executors import DaskExecutorFactory
from pocket.compat.pocket_coffea.executors.executors_base import *
