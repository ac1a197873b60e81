"""Progress bars of work, on a terminal; elsewhere a line now and then."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from pocket.executors import Progress
from pocket.executors.proxy import in_words
from tasks.core.console import fitted, is_terminal, say, short, width_of
from tasks.core.log import is_quiet
from tasks.core.report import shows_lines

#: function of the amount of work that is done
Show = Callable[[int], None]
#: smallest number of characters of a label, smallest and largest of a bar, and those of the numbers beside it
_LABEL, _BAR, _BESIDE = 16, (8, 40), 46
#: s until the first line about progress where there is no terminal, and largest number between two
_FIRST_LINE, _LAST_PAUSE = 60.0, 3600.0


@contextlib.contextmanager
def counting_bar(label: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar for work that counts itself, from the first count on; yield a function of done and total number."""
    with contextlib.ExitStack() as stack:
        bars: list[Progress] = []
        before = 0

        def count(done: int, total: int) -> None:
            nonlocal before
            if not bars:
                bars.append(stack.enter_context(progress_bar(label, total, unit)))
            bars[0](done - before)
            before = done

        yield count


@contextlib.contextmanager
def progress_bar(label: str, total: int, unit: str) -> Iterator[Progress]:
    """Show a bar on a terminal, elsewhere a line now and then; yield a function that takes each finished amount."""
    begin = time.monotonic()
    done = 0
    shown = _bar if is_terminal(sys.stderr) else _lines_now_and_then
    with shown(label, total, unit) as show:

        def advance(amount: int) -> None:
            nonlocal done
            done += amount
            show(done)

        yield advance
    seconds = time.monotonic() - begin
    if not shows_lines() and not is_quiet():
        # There is no line for the finished task.
        say(f"{label}: {done:,} {unit} in {seconds:.1f} s, {_rate(done, seconds, unit)}")


def _rate(done: int, seconds: float, unit: str) -> str:
    per_second = done / max(seconds, 1e-9)
    return f"{per_second:,.{0 if per_second >= 10 else 1}f} {unit}/s"


@contextlib.contextmanager
def _bar(label: str, total: int, unit: str) -> Iterator[Show]:
    """Show a bar, which vanishes at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    # What doesn't fit would be cut, which takes the rate away first.
    width = width_of(sys.stderr)
    label = fitted(label, max(_LABEL, width - _BESIDE - _BAR[0]))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=max(_BAR[0], min(_BAR[1], width - _BESIDE - len(label)))),
        TextColumn("{task.fields[amount]}"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    begin = time.monotonic()

    def amount(done: int) -> str:
        return f"{short(done)}/{short(total)} {unit}"

    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total, amount=amount(0), rate="")

        def show(done: int) -> None:
            rate = f"{short(done / max(time.monotonic() - begin, 1e-9))}/s"
            bar.update(task, completed=done, amount=amount(done), rate=rate)

        yield show


@contextlib.contextmanager
def _lines_now_and_then(label: str, total: int, unit: str) -> Iterator[Show]:
    """Show lines without a terminal, the first after a minute, each later one after twice the time, up to an hour."""
    begin = time.monotonic()
    pause = following = _FIRST_LINE

    def show(done: int) -> None:
        nonlocal pause, following
        seconds = time.monotonic() - begin
        if seconds < following or done >= total:
            return
        left = f", about {in_words(seconds * (total - done) / done)} left" if done else ""
        say(f"{label}: {done:,} of {total:,} {unit}, {_rate(done, seconds, unit)}{left}")
        pause = min(2 * pause, _LAST_PAUSE)
        following = seconds + pause

    yield show
