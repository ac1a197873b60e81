"""Names of ``pocket_coffea.lib.gen_objects``."""

from pocket.objects.gen_objects import getGenJets, getGenLeptons
