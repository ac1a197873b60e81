"""Names of ``pocket_coffea.lib.deltaR_matching``."""

from pocket.objects.object_matching import deltaR_matching_nonunique, object_matching
