"""Names of ``pocket_coffea.lib.parton_provenance``."""

import numpy as np

from pocket.compat.provenance import (
    get_partons_provenance_tt5F,
    get_partons_provenance_ttbb4F,
    get_partons_provenance_ttHbb,
    get_partons_provenance_ttHbb_dileptonic,
)
