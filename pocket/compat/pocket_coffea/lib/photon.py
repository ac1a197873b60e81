"""Names of ``pocket_coffea.lib.photon``."""

from pocket.compat.objects import photon_selection
