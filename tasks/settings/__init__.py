"""Settings of tasks: their options, and law.cfg with the sites that plugins add to it."""

import law

from pocket.base.plugins import plugin_settings

_sites = {section: options for section, options in plugin_settings().items() if section.startswith("site_")}
law.config.update(_sites, overwrite_sections=True, overwrite_options=False)
