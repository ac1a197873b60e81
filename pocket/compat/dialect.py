"""PocketCoffea's words for the rest of ``pocket``, which finds them by the name of this module."""

from __future__ import annotations

from pocket.base.dialects import Dialect
from pocket.compat import parameter_forms, parameter_keys, parameters
from pocket.compat.import_names import install_import_names
from pocket.compat.plot_style import IGNORED, in_own_words
from pocket.compat.steps import NOT_CALLED

#: What :func:`pocket.base.dialects.dialect` returns.
DIALECT = Dialect(
    enter=install_import_names,
    steps=NOT_CALLED,
    parameters_in_own_form=parameter_forms.in_own_form,
    parameter_keys=parameter_keys.UPSTREAM,
    parameter_modules=(parameter_forms, parameter_keys),
    parameter_functions={name: getattr(parameters, name) for name in parameters.__all__},
    resolvers=parameter_forms.RESOLVERS,
    correction_name=parameter_forms.correction_name,
    style_in_own_words=in_own_words,
    ignored_style=IGNORED,
)
