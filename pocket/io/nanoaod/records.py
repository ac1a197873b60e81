"""Arrays of records whose fields are made on first access.

awkward makes objects for each field of a form, which takes 40 µs: 0.1 s for events of NanoAOD with 2,600 branches, of
which an analysis reads forty. Here, an array knows the names and types of all fields, and makes those that are used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import awkward as ak
from awkward._backends.numpy import NumpyBackend
from awkward._nplikes.shape import unknown_length
from awkward._util import native_byteorder
from awkward.operations.ak_from_buffers import _reconstitute

#: Returns the length of an array in a tuple.
Shape = Callable[[], tuple[int]]


class LazyRecords(ak.contents.RecordArray):  # type: ignore[misc]
    """Array of records: ``make`` returns a field by its number, ``shape`` an unknown number of records."""

    def __init__(self, form: Any, make: Callable[[int], Any], length: Any, shape: Shape) -> None:
        # awkward's own method looks at each content.
        self._contents, self._fields = _Fields(make, len(form.contents)), list(form.fields)
        self._length, self._length_generator, self._shape = length, lambda: shape()[0], shape
        self._init(form.parameters, NumpyBackend.instance())
        # These are cached properties, for which awkward would look at each content.
        self.__dict__.update(minmax_depth=form.minmax_depth, branch_depth=form.branch_depth)

    @property
    def length(self) -> int:
        """The number of records, without a look at the contents."""
        if self._length is unknown_length:
            (self._length,) = self._shape()
        return int(self._length)


class _Fields(Sequence[Any]):
    """Contents of records, which are made on first access."""

    def __init__(self, make: Callable[[int], Any], size: int) -> None:
        self._make = make
        self._made: list[Any] = [None] * size

    def __len__(self) -> int:
        return len(self._made)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if self._made[index] is None:
            self._made[index] = self._make(index)
        return self._made[index]


class LazyArrays:
    """Builder of the layouts of ``ak.from_buffers``, with records whose fields are made on first access."""

    def __init__(self, container: Any, buffer_key: Callable[..., str]) -> None:
        self._container, self._buffer_key = container, buffer_key

    def array(self, form: Any, length: Any, shape: Shape) -> Any:
        """Return the layout of a form; ``shape`` is called for its length if that is unknown."""
        if isinstance(form, ak.forms.RecordForm):
            return LazyRecords(form, lambda number: self.array(form.content(number), length, shape), length, shape)
        if isinstance(form, ak.forms.ListOffsetForm) and isinstance(form.content, ak.forms.RecordForm):
            lists = self._eager(form.copy(content=ak.forms.RecordForm([], [])), length, shape)
            return lists.copy(content=self.array(form.content, unknown_length, lambda: (lists.content.length,)))
        return self._eager(form, length, shape)

    def _eager(self, form: Any, length: Any, shape: Shape) -> Any:
        return _reconstitute(
            form,
            length,
            self._container,
            lambda form, attribute: self._buffer_key(form_key=form.form_key, form=form, attribute=attribute),
            NumpyBackend.instance(),
            native_byteorder,
            simplify=False,
            shape_generator=shape,
            enable_virtualarray_caching=lambda form_key, attribute: True,
        )
