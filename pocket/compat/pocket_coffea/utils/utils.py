"""Names of ``pocket_coffea.utils.utils``."""

from pocket.compat.configurator import Configurator
from pocket.compat.utilities import get_nano_version, get_random_seed, load_config, replace_at_indices, to_bool
