"""PocketCoffea's words for the rest of ``pocket``, which finds them by the name of this module."""

from __future__ import annotations

from pocket.base.dialects import Dialect
from pocket.compat.plot_style import IGNORED, in_own_words

#: What :func:`pocket.base.dialects.dialect` returns.
DIALECT = Dialect(style_in_own_words=in_own_words, ignored_style=IGNORED)
