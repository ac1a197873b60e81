"""Objects of libraries with a content that a number decides, and a use of each that doesn't change it."""

from __future__ import annotations

import array
import collections
import fractions
import functools
import io
import random
import string
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import awkward as ak
import boost_histogram as bh
import hist
import numpy as np
import scipy.interpolate as si
import scipy.sparse
import scipy.spatial
import scipy.stats
from coffea.lookup_tools.dense_lookup import dense_lookup
from coffea.lookup_tools.evaluator import evaluator

from pocket.base.fingerprint import digest

X = np.arange(6.0)
CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
MIDDLE = np.array([[0.5, 0.5]])

Make = Callable[[int], Any]
Use = Callable[[Any], object]


class UsersArray(np.ndarray[Any, Any]):
    """Array of the user's own."""


class UsersLookup(dense_lookup):  # type: ignore[misc]
    """Lookup of the user's own."""


class UsersRandom(random.Random):
    """Generator of the user's own."""


class UsersError(Exception):
    """Error of the user's own."""


def y(n: int) -> Any:
    """Return values at six places."""
    return n * X**2


def histogram(n: int) -> hist.Hist:
    """Return a filled histogram."""
    made = hist.Hist.new.Reg(5, 0, 1, name="pt", label="label").Var([0, 1, 3]).StrCat(["x", "y"], growth=True).Weight()
    made.view().value[...] = n
    return made


def dispatch(n: int) -> Any:
    """Return a function that is chosen by the type of its argument."""

    @functools.singledispatch
    def function(value: object) -> int:
        return 1

    function.register(int, lambda value: n)
    return function


def circle(n: int) -> Any:
    """Return an object that contains itself."""
    inner: list[Any] = [n]
    made = collections.deque([inner])
    inner.append(made)
    return made


def at(*place: Any) -> Use:
    """Return the use of an object as a function of a place."""
    return lambda made: made(*place)


MADE: dict[str, tuple[Make, Use]] = {
    "interp1d": (lambda n: si.interp1d(X, y(n)), at(2.5)),
    "interp1d, cubic": (lambda n: si.interp1d(X, y(n), kind="cubic", fill_value="extrapolate"), at(2.5)),
    "BSpline": (lambda n: si.make_interp_spline(X, y(n)), at(2.5)),
    "CubicSpline": (lambda n: si.CubicSpline(X, y(n)), at(2.5)),
    "PchipInterpolator": (lambda n: si.PchipInterpolator(X, y(n)), at(2.5)),
    "Akima1DInterpolator": (lambda n: si.Akima1DInterpolator(X, y(n)), at(2.5)),
    "UnivariateSpline": (lambda n: si.UnivariateSpline(X, y(n)), at(2.5)),
    "InterpolatedUnivariateSpline": (lambda n: si.InterpolatedUnivariateSpline(X, y(n)), at(2.5)),
    "RectBivariateSpline": (lambda n: si.RectBivariateSpline(X, X, np.outer(y(n), X)), at(2.5, 1.5)),
    "RegularGridInterpolator": (lambda n: si.RegularGridInterpolator((X, X), np.outer(y(n), X)), at((2.5, 1.5))),
    "LinearNDInterpolator": (lambda n: si.LinearNDInterpolator(CORNERS, y(n)[:4]), at(0.5, 0.2)),
    "NearestNDInterpolator": (lambda n: si.NearestNDInterpolator(CORNERS, y(n)[:4]), at(0.5, 0.2)),
    "RBFInterpolator": (lambda n: si.RBFInterpolator(CORNERS, y(n)[:4]), at(MIDDLE)),
    "cKDTree": (lambda n: scipy.spatial.cKDTree(n * CORNERS), lambda made: made.query([0, 0])),
    "Delaunay": (lambda n: scipy.spatial.Delaunay(n * CORNERS), lambda made: made.find_simplex(MIDDLE)),
    "sparse": (lambda n: scipy.sparse.csr_matrix(np.diag(y(n))), lambda made: made.toarray()),
    "frozen distribution": (lambda n: scipy.stats.norm(n, 2), lambda made: (made.cdf(1), made.rvs())),
    "gaussian_kde": (lambda n: scipy.stats.gaussian_kde(y(n)), at(2.5)),
    "rv_histogram": (lambda n: scipy.stats.rv_histogram((y(n)[:5] + 1, X)), lambda made: made.cdf(2.5)),
    "Polynomial": (lambda n: np.polynomial.Polynomial([1, n]), at(2.5)),
    "poly1d": (lambda n: np.poly1d([1, n]), lambda made: (made(2.5), made.roots)),
    "dense_lookup": (lambda n: dense_lookup(y(n), X), at(np.array([2.5]))),
    "evaluator": (lambda n: evaluator({"h": 0}, ["dense_lookup"], [(y(n), X)]), lambda made: made["h"](X)),
    "Hist": (histogram, lambda made: (made.values(), made.project("pt"), repr(made))),
    "hist.axis": (lambda n: hist.axis.Regular(5, 0, n, name="a", label="b"), lambda made: made.edges),
    "hist.axis, label": (lambda n: hist.axis.Regular(5, 0, 1, label=str(n)), lambda made: made.label),
    "Histogram": (
        lambda n: bh.Histogram(bh.axis.Regular(5, 0, n), storage=bh.storage.Mean()),
        lambda made: made.view(),
    ),
    "axis": (lambda n: bh.axis.StrCategory(["a", str(n)]), lambda made: made.index("a")),
    "ak.Array": (lambda n: ak.Array([[1, 2], [], [n]]), lambda made: (ak.sum(made), repr(made), made[0], made.attrs)),
    "ak.Array of records": (lambda n: ak.Array([{"a": 1, "b": [n, None]}]), lambda made: (made.a, repr(made))),
    "ak.Record": (lambda n: ak.Array([{"a": 1, "b": [n, None]}])[0], lambda made: (made.b, repr(made))),
    "slice of an ak.Array": (lambda n: ak.Array([[0], [n, n], []])[1:], lambda made: made[0]),
    "masked array": (
        lambda n: np.ma.masked_array([1.0, 2, n], mask=[0, 1, 0]),
        lambda made: (made.filled(), repr(made), made.mean()),
    ),
    "mask": (lambda n: np.ma.masked_array([1, 2, 3], mask=[n == 1, n == 2, False]), repr),
    "recarray": (lambda n: np.rec.array([(1, n)], dtype=[("a", int), ("b", float)]), lambda made: made.a),
    "vectorize": (lambda n: np.vectorize(lambda value: value * n), at(X)),
    "vectorize with types": (lambda n: np.vectorize(lambda value: value * n, otypes=[float]), at(X)),
    "singledispatch": (dispatch, lambda made: (made(1), made(True), made("a"))),
    "Generator": (np.random.default_rng, repr),
    "Generator with another algorithm": (lambda n: np.random.Generator(np.random.MT19937(n)), repr),
    "RandomState": (np.random.RandomState, repr),
    "SeedSequence": (np.random.SeedSequence, repr),
    "Random": (random.Random, repr),
    "deque": (lambda n: collections.deque([1, n], maxlen=5), lambda made: made[0]),
    "longest deque": (lambda n: collections.deque([1], maxlen=n), lambda made: made[0]),
    "circle": (circle, repr),
    "namespace": (lambda n: types.SimpleNamespace(a=n, b={"c", "d", "e", str(n)}), repr),
    "array": (lambda n: array.array("d", [1, n]), repr),
    "bytearray": (lambda n: bytearray([1, n]), repr),
    "BytesIO": (lambda n: io.BytesIO(bytes([1, n])), lambda made: made.getvalue()),
    "Template": (lambda n: string.Template(str(n)), lambda made: made.substitute()),
    "ChainMap": (lambda n: collections.ChainMap({"a": n}), lambda made: made["a"]),
    "UUID": (lambda n: uuid.UUID(int=n), repr),
    "iterator": (lambda n: iter([fractions.Fraction(1, n)]), repr),
    "error": (ValueError, repr),
    "array of the user's": (lambda n: np.array([1, n]).view(UsersArray), repr),
    "lookup of the user's": (lambda n: UsersLookup(y(n), X), at(np.array([2.5]))),
    "generator of the user's": (UsersRandom, repr),
    "error of the user's": (UsersError, repr),
}


def digests() -> Iterator[tuple[str, str]]:
    """Yield name → digest of objects that are made here."""
    for name, (make, _) in MADE.items():
        yield name, digest(make(1))
