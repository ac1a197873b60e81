"""Numbers in YAML files that YAML reads differently than people: ``010`` is 8, and ``1:30`` is 90."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

_INTEGER = "tag:yaml.org,2002:int"
_OCTAL_OR_SEXAGESIMAL = r"[-+]?(?:0[0-7_]*[1-7][0-7_]*|[0-9][0-9_]*(?::[0-5]?[0-9])+)"
_WHOLE = re.compile(_OCTAL_OR_SEXAGESIMAL)
#: Quick search for such numbers, since parsing a file takes longer than all else before the first event.
_ANYWHERE = re.compile(rf"[:\-\[,]\s*{_OCTAL_OR_SEXAGESIMAL}\s*(?:[,\]}}#]|$)", re.MULTILINE)


def surprising_numbers(text: str) -> dict[str, str]:
    """Return key → number as written, for numbers that YAML 1.1 reads to the base of 8 or 60.

    Examples:
        >>> surprising_numbers("lumi: {tot: 010, A: 10, start: 1:30, name: '010'}")
        {'lumi.tot': '010', 'lumi.start': '1:30'}
    """
    if not _ANYWHERE.search(text):
        return {}
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return dict(_numbers(node, "")) if node is not None else {}


def _numbers(node: yaml.Node, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            # The entries of a merged mapping are entries of this one.
            inner = place if key.tag == "tag:yaml.org,2002:merge" else f"{place}.{key.value}".removeprefix(".")
            yield from _numbers(value, inner)
    elif isinstance(node, yaml.ScalarNode) and node.tag == _INTEGER and _WHOLE.fullmatch(node.value):
        yield place, node.value
