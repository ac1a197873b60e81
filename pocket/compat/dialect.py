"""PocketCoffea's words for the rest of ``pocket``, which finds them by the name of this module."""

from __future__ import annotations

from pocket.base.dialects import Dialect
from pocket.compat.import_names import install_import_names
from pocket.compat.plot_style import IGNORED, in_own_words
from pocket.compat.steps import NOT_CALLED

#: What :func:`pocket.base.dialects.dialect` returns.
DIALECT = Dialect(
    enter=install_import_names,
    steps=NOT_CALLED,
    style_in_own_words=in_own_words,
    ignored_style=IGNORED,
)
