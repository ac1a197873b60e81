"""Changes between two specifications of fingerprints, in words of the field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum

from pocket.base.fingerprint import Difference, Specification, differences
from tasks.core.console import counted, some_names

_KEY = r"(\.\w+|\['.*?'\])"
#: What a place may begin with: the configuration, what is drawn, or a figure.
_WITHIN = r"(?:(?:config|drawing|(?:figures|histograms)\[.*?\])\.)?"
#: Place in there → subject of a sentence, of the first pattern that fits. ``{0}`` and ``{1}`` are its groups, and
#: ``{of}`` is the name of the object at the place.
_SUBJECTS = tuple(
    (re.compile(_WITHIN + pattern.replace("KEY", _KEY)), subject)
    for pattern, subject in (
        (r"parameters\.(.+)", "parameter {0}"),
        (r"parameters\['(\w+)'\]", "year {0}"),
        (r"style\.(.+)", "parameter plotting_style.{0}"),
        (r"(?:axes|labels)\[\d+\]", "axis {of}"),
        (r"period\b", "data"),
        (r"skim\[\d+\]", "cut {of} of the skim"),
        (r"preselections\[\d+\]", "cut {of}"),
        (r"categoriesKEY\[\d+\]", "cut {of} of category {0}"),
        (r"categoriesKEY", "category {0}"),
        (r"category_order", "order of the categories"),
        (r"subsamplesKEY", "subsample of {0}"),
        (r"weights\.classesKEY", "weight {0}"),
        (r"weights\.samplesKEY\.weightsKEY", "weights of {0} in {1}"),
        (r"weights\.samplesKEY\.variationsKEY", "varied weights of {0} in {1}"),
        (r"shapes\.calibrators\[\d+\]", "calibrator {of}"),
        (r"shapes\.samplesKEYKEY", "shape variations of {0} in {1}"),
        (r"variablesKEY\.axes\[\d+\]", "histogram {0}, axis {of}"),
        (r"variablesKEY", "histogram {0}"),
        (r"columnsKEYKEY(?:\[\d+\])?", "columns of {0} in {1}"),
        (r"workflow_options\.(.+)", "workflow option {0}"),
        (r"workflow\b", "workflow"),
        (r"(?:datasets|normalisation|definitions)KEY(?:\[2\])?", "dataset {0}"),
        (r"patches\.behaviors\[.*?\](?=\.|$)", "a behaviour of awkward"),
        (r"patches\.replacedKEY", "{0}, which the analysis replaces"),
        (r"patches\.setKEY", "{0} set by the analysis"),
        (r"patches\.set", "what the analysis sets elsewhere"),
        (r"declaration", "scale factor"),
        (r"model\b", "model"),
        (r"closure\[\d+\]", "closure"),
        (r"figures\[\('(\w+)', '(\w+)'\)\]", "figure of {1} in {0}"),
        (r"histograms\[\('(\w+)', '(\w+)'\)\]", "histogram {1} in {0}"),
        ("", ""),
    )
)
#: Subjects that are a value themselves, instead of having one.
_VALUES = ("parameter ", "workflow option ", "weights of ", "varied weights of ", "shape variations of ")
#: What follows from the categories, samples and subsamples of a configuration.
_FOLLOWS = re.compile(r"config\.(?:category_order|(?:weights\.samples|shapes\.samples|columns)\b)")
_DECIDES = re.compile(rf"config\.(?:categories|subsamples|datasets|weights\.classes){_KEY}$")
#: Lists at these places → names of their elements.
_ELEMENTS = (
    (re.compile(rf"normalisation{_KEY}\[\d\]$"), ("xsec", "sums of weights before the skim")),
    (re.compile(rf"{_WITHIN}period\[0\]\[\d+\]\[\d\]$"), ("year", "luminosity")),
    (re.compile(rf"{_WITHIN}(?:axes|labels)\[\d+\]\[\d\]$"), ("name", "label", "lim")),
)
#: The last part of a place.
_LAST = re.compile(r"(?: -> (?:import |eval .*)?[^.\[ ]*|\.\w+|\[[^\[\]]*\]|\{\}|\(\))$")
#: Parts of a place that say nothing to people.
_INTERNAL = re.compile(
    r"\.__\w+__(?:\(\))?(?:\[\d+\])?|\.(?:function|func|keywords|params|fget|args)(?!\w)|\{\}|\(\)(?:\[\d+\])*"
)
_TYPE = re.compile(r"(?:float|int|str|bool|bytes|NoneType|path) (?=\S)")
_LISTS = ("tuple", "list")
#: number of elements of a list that are shown
_MOST = 20
_COMPOSED = re.compile(r"(?:tuple|list|dict|set|item)$|(?:instance|class|function|module|custom|library|enum) ")
#: The figures of an output or the histograms that are summed, and whether the data of one are hidden.
_FIGURE = r"(?P<what>figure|histogram)s\[\('(?P<category>[^']*)', '[^']*'\)\]"
_FIGURE_OF, _BLIND = re.compile(f"{_FIGURE}$"), re.compile(rf"(?:{_FIGURE}\.)?blind$")
#: What options without a value are.
_NOTHING = ("", "NO_STR")
_HASH = re.compile(r"(?:str )?'?[0-9a-f]{12,}'?")


class _Rank(IntEnum):
    """Order of clauses: what is closest to what a user has edited comes first."""

    DECLARED = 0
    SOURCE = 1
    IN_CODE = 2
    FOLLOWS = 3
    MODULE = 4


def changes(one: Specification, other: Specification, skip: Sequence[str] = (), without: str = "$^") -> list[str]:
    """Return the changes from one specification to another as clauses, each once.

    Differences with some values, and at places that a regular expression finds, are left out: other clauses tell them.

    >>> from pocket.base.fingerprint import specification
    >>> before, after = (specification({"config": {"parameters": {"muon": {"pt": pt}}}}) for pt in (20.0, 25.0))
    >>> changes(before, after)
    ['parameter muon.pt: 20.0 → 25.0']
    """
    found = [
        each
        for each in differences(one, other)
        if not re.search(without, each.place) and not any(value in str(each) for value in skip)
    ]
    ranked = sorted(_Changes(one, other, found).clauses(), key=lambda pair: pair[0])
    clauses = list(dict.fromkeys(clause for _, clause in ranked if clause))
    files = " ".join(clauses)
    # A change of a function is also one of its module.
    return [each for each in clauses if f"{each.removeprefix('module ').split()[0].replace('.', '/')}.py" not in files]


class _Changes:
    """The clauses of differences."""

    def __init__(self, one: Specification, other: Specification, found: Sequence[Difference]) -> None:
        self._one, self._other, self._found = one, other, found
        self._sides = one, other
        both = [each for each in found if each.before and each.after]
        self._functions = {each.place for each in both if each.source}
        self._composed = {each.place for each in both if _COMPOSED.match(each.before) or _COMPOSED.match(each.after)}
        self._replaced = dict(self._replaced_cuts())
        self._decided = any(_DECIDES.match(each.place) for each in found if not (each.before and each.after))
        # An object that several places share is noted at the first of them, which may be another one now.
        self._sources = tuple({source[2] for source in spec.functions.values()} for spec in (one, other))
        self._modules = tuple({name for names in spec.closures.values() for name in names} for spec in (one, other))

    def clauses(self) -> Iterator[tuple[_Rank, str]]:
        """Yield the clauses with their ranks; some are empty or equal."""
        yield from ((_Rank.DECLARED, clause) for clause in self._replaced.values())
        yield from ((_Rank.DECLARED, clause) for clause in (*self._blinding(), *self._numbers()))
        for each in self._found:
            if each.is_module:
                if (each.before and each.after) or not self._is_moved(each):
                    name = each.after or each.before
                    # Libraries have their version, such as "awkward 2".
                    yield _Rank.MODULE, f"{'library' if ' ' in name else 'module'} {name} {_how(each)}"
            elif not self._is_told(each):
                yield self._rank(each), self._clause(each)

    def _numbers(self) -> Iterator[str]:
        """Yield how many figures are asked for, if these are others."""
        if kinds := {match["what"] for each in self._found if (match := _FIGURE_OF.match(each.place))}:
            before, after = ({place for place in side.values if _FIGURE_OF.match(place)} for side in self._sides)
            are_others = after - before and before - after
            number = counted(len(after), kinds.pop())
            yield f"{len(after - before)} of {number} new" if are_others else f"{number} instead of {len(before)}"

    def _blinding(self) -> Iterator[str]:
        """Yield in which categories data are hidden that were shown, and the other way round."""
        one_sided = [each for each in self._found if not (each.before and each.after) and _BLIND.match(each.place)]
        for how, spec in (("hidden", self._other), ("shown", self._one)):
            places = [each.place for each in one_sided if each.place in spec.values]
            names = [match["category"] for place in places if (match := _BLIND.match(place)) and match["category"]]
            names += [_word(label) for place, label in spec.values.items() if place.rpartition("[")[0] in places]
            if places:
                yield f"data of {some_names(list(dict.fromkeys(names)))} are {how} now"

    def _rank(self, each: Difference) -> _Rank:
        if each.source:
            return _Rank.SOURCE
        if _FOLLOWS.match(each.place):
            return _Rank.FOLLOWS
        if each.before and each.after and _COMPOSED.match(each.after):
            return _Rank.FOLLOWS
        is_read = bool(each.before and each.after) or "parameters." not in each.place
        return _Rank.DECLARED if is_read and not _is_in_code(each.place) else _Rank.IN_CODE

    def _is_told(self, each: Difference) -> bool:
        """Whether a difference follows from another one."""
        if _FIGURE_OF.match(each.place) or (_BLIND.match(each.place) and not (each.before and each.after)):
            return True
        above = list(_above(each.place))
        if not self._replaced.keys().isdisjoint([each.place, *above]):
            return True
        if each.place.endswith(".name") and any(
            other is not each and other.place.startswith(f"{above[0]}.") for other in self._found
        ):
            return True
        if "defaults__" in each.place and not self._functions.isdisjoint(above):
            return True
        if self._decided and _FOLLOWS.match(each.place):
            return True
        if each.before and each.after:
            # Where an object was noted at another place, a dictionary has noted the key alone.
            key = f"str {each.place.rpartition('.')[2]!r}"
            return not each.source and key in (each.before, each.after)
        is_within = not self._functions.isdisjoint(above) or not self._composed.isdisjoint(above)
        is_below = not (above and above[0] in self._one.values and above[0] in self._other.values)
        return is_within or is_below or (self._is_moved(each) if each.source else _is_in_code(each.place))

    def _is_moved(self, each: Difference) -> bool:
        """Whether a function or a module that is only at one place before or after is at another place, too."""
        side = 0 if each.after else 1
        if each.is_module:
            return (each.after or each.before) in self._modules[side]
        known = (self._other if each.after else self._one).functions.get(each.place)
        return known is not None and known[2] in self._sources[side]

    def _replaced_cuts(self) -> Iterator[tuple[str, str]]:
        """Yield place and clause of each cut that has taken the place of another one."""
        for each in self._found:
            owner, _, last = each.place.rpartition(".")
            sources = [spec.functions.get(f"{owner}.function") for spec in (self._one, self._other)]
            if last == "name" and each.before and each.after and _definition(sources[0]) != _definition(sources[1]):
                subject, _ = _subject(owner, self._other)
                yield owner, f"{subject} instead of {_word(each.before)}"

    def _clause(self, each: Difference) -> str:
        spec = self._other if each.after else self._one
        subject, rest = _subject(each.place, spec)
        name = next((names[int(each.place[-2])] for where, names in _ELEMENTS if where.match(each.place)), "")
        is_element = bool(name)
        name = name or _name_in_code(rest)
        label = each.after or each.before
        if each.source:
            used = _how(each) if each.before and each.after else "is used now" if each.after else "isn't used any more"
            return _joined(subject, f"{_short(each.source)} {used}")
        if label.startswith("module "):
            return f"module {label.split()[1]} has changed"
        if label.startswith("function ") and each.place in spec.functions:
            file, line, _ = spec.functions[each.place]
            return _joined(subject, f"an import in {_short(file)}:{line} has changed")
        if all(_HASH.fullmatch(side) for side in (each.before, each.after) if side):
            # Fingerprints have clauses of their own; the content of a file is below the path that names it.
            path = _plain(spec.values.get(each.place.removesuffix("()"), "")) if each.place.endswith("()") else ""
            return _joined(subject, f"{_short(path)} has changed") if path else ""
        parent = next(_above(each.place), "")
        is_listed = not is_element and each.place.endswith("]") and spec.values.get(parent) in _LISTS
        if is_listed and parent in self._one.values and parent in self._other.values and not _COMPOSED.match(label):
            # A list of plain values is shown as a whole.
            subject, rest = _subject(parent, spec)
            name, place = _name_in_code(rest), parent
        elif not (each.before and each.after) or each.place.endswith("{}"):
            how = "has changed" if each.place.endswith("{}") else _how(each, subject)
            if rest and (own := _word(spec.values.get(f"{each.place}.name", ""))):
                name = f"{name.rpartition('[')[0]} {own}".strip()
            return f"{_joined(subject, name) or 'a value'} {how}"
        elif any(_COMPOSED.match(side) and side not in _LISTS for side in (each.before, each.after)):
            return f"{_joined(subject, name) or 'a value'} has changed"
        else:
            place = each.place
        before, after = (_shown(place, side) for side in (self._one, self._other))
        if before[:1] == after[:1] == "'" and not f"{before}{after}".count(" "):
            before, after = (side.strip("'") for side in (before, after))
            before, after = ("none" if side in _NOTHING else side for side in (before, after))
        value = f"{before} → {after}"
        clause = value if subject.startswith(_VALUES) else f"{name} {value}".strip()
        return f"{_joined(subject, clause)}{_user(place, spec)}"


def _how(each: Difference, subject: str = "") -> str:
    if each.before and each.after:
        return "has changed"
    if subject.startswith("parameter "):
        # It may be in YAML as before.
        return "is used now" if each.after else "isn't used any more"
    return "is new" if each.after else "is gone"


def _is_in_code(place: str) -> bool:
    return " -> " in place or ".__" in place


def _dotted(place: str) -> str:
    return re.sub(r"\['([^'\[\]]*)'\]", r".\1", place)


def _joined(subject: str, clause: str) -> str:
    return ": ".join(filter(None, (subject, clause)))


def _above(place: str) -> Iterator[str]:
    """Yield the places above a place, the nearest one first."""
    while place and (match := _LAST.search(place)):
        place = place[: match.start()]
        yield place


def _subject(place: str, spec: Specification) -> tuple[str, str]:
    """Return the subject of a sentence about a place, and the rest of the place."""
    match, subject = next((match, subject) for pattern, subject in _SUBJECTS if (match := pattern.match(place)))
    at = match.group()
    of = _word(spec.values.get(f"{at}.name") or spec.values.get(f"{at}[0]") or "")
    keys = [_dotted(key).strip(".") for key in match.groups()]
    if of in keys:
        # A category often has one cut, of its own name.
        subject = subject.removesuffix(" of category {0}")
    return subject.format(*keys, of=of), place[match.end() :]


def _name_in_code(rest: str) -> str:
    """Return the name in the rest of a place, without what isn't written in code.

    >>> _name_in_code(".function -> Tight.__bases__[0].LEAST"), _name_in_code(".function.__defaults__[0]")
    ('Tight.LEAST', 'a default value')
    """
    name = _dotted(_INTERNAL.sub("", rest.rpartition(" -> ")[2]).removeprefix("import ")).strip(".")
    name = name if _is_in_code(rest) else name.lstrip("_")
    return name or ("a default value" if "defaults__" in rest else "")


def _user(place: str, spec: Specification) -> str:
    """Return file and line of the innermost function that uses the value at a place, in brackets."""
    file, line, _ = next((spec.functions[above] for above in _above(place) if above in spec.functions), ("", 0, ""))
    return f" (used in {_short(file)}:{line})" if file else ""


def _shown(place: str, spec: Specification) -> str:
    """Return a value, or the elements of a list of plain values."""
    label = spec.values.get(place, "nothing")
    if label not in _LISTS:
        return _plain(label)
    elements: list[str] = []
    while (element := spec.values.get(f"{place}[{len(elements)}]")) is not None:
        elements.append("…" if _COMPOSED.match(element) else _word(element))
    return f"({', '.join(elements)})" if len(elements) <= _MOST else f"({', '.join(elements[:_MOST])}, …)"


def _plain(label: str) -> str:
    return _TYPE.sub("", label, count=1)


def _word(label: str) -> str:
    return _plain(label).strip("'")


def _definition(function: tuple[str, int, str] | None) -> tuple[str, str]:
    found = re.search(r"def (\w+)", function[2]) if function else None
    return (function[0] if function else "", found[1] if found else "")


def _short(path: str) -> str:
    return path.strip("'").removeprefix("<checkout>/").removeprefix("<analysis>/")
