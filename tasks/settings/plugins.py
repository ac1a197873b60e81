"""Tasks of plugins: law.cfg names this module, so that law finds those of the modules that plugins name."""

import importlib

from pocket.base.plugins import plugin_settings
from pocket.errors import ConfigError

for _module in plugin_settings().get("modules", ()):
    try:
        importlib.import_module(_module)
    except ImportError as error:
        raise ConfigError(f"[modules] in the law.cfg of a plugin: {_module}: {error}") from None
