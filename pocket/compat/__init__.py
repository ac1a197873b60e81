"""PocketCoffea's import names over ours, so that its configurations run as they are.

Importing this package makes ``import pocket_coffea`` find the folder beside this module. Analyses needn't import it,
because loading any analysis does the same (:mod:`pocket.compat.import_names`).

>>> import pocket.compat
>>> from pocket_coffea.lib.cut_functions import get_nObj_min
>>> get_nObj_min.__module__
'pocket.cuts.library'
"""

from pocket.compat.import_names import install_import_names

install_import_names()
