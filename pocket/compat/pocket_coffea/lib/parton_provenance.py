"""Names of ``pocket_coffea.lib.parton_provenance``."""

import numpy as np

from pocket.compat.global_indices import (
    analyze_parton_decays_flat_nomesons,
    analyze_W_flat,
    reverse_index_array,
)
from pocket.compat.provenance import (
    get_partons_provenance_tt5F,
    get_partons_provenance_ttbb4F,
    get_partons_provenance_ttHbb,
    get_partons_provenance_ttHbb_dileptonic,
)
