"""Names of ``pocket_coffea.lib.calibrators.legacy.roccor_wrapper``."""

from pocket.compat.muon_momenta import RoccoR
