"""Names of ``pocket_coffea.executors.executors_DESY_NAF``."""

from pocket.compat.executors import ParslCondorExecutorFactory
from pocket.compat.pocket_coffea.executors.executors_base import *
