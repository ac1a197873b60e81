"""Names of ``pocket_coffea.lib.delayed_eval``."""

from pocket.compat.delayed_branches import DelayedEvalBranchManager
