"""Names of ``pocket_coffea.lib.triggers``."""

from pocket.compat.triggers import apply_trigger_mask, get_trigger_mask_byprimarydataset, remove_trigger_prefix
