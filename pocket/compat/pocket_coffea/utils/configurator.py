"""Names of ``pocket_coffea.utils.configurator``."""

from pocket.configuration.configurator import Configurator
