"""Names of ``pocket_coffea.lib.photon``."""

from pocket.objects.photons import photon_selection
