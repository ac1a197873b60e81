from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import agrees, apply_diff, line_agrees, read_blocks, shortened, with_outputs

PAGE = """# A page

<!-- walk: run mkdir folder -->

```shell
ls
```

```text
folder
made in … s
```

<!-- walk: needs lxplus -->

```shell
voms-proxy-init
```

Words part commands from what isn't their output.

```text
a diagram
```

- In a list:

    ```python
    1 + 1
    ```

    ```text
    2
    ```

```diff title="a/b.py"
-old
+new
```

<!-- walk: picture plots/*.png -->
![A plot](../pictures/plot.png)
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_blocks_of_a_page(page: Path) -> None:
    hidden, shown, elsewhere, code, change, picture = read_blocks(page)
    assert (hidden.kind, hidden.text) == ("shell", "mkdir folder")
    assert (shown.text, shown.output, shown.line) == ("ls\n", "folder\nmade in … s\n", 6)
    assert elsewhere.marks == {"needs": "lxplus"}
    assert not elsewhere.is_executed
    assert elsewhere.output is None
    assert (code.text, code.output) == ("1 + 1\n", "2\n")
    assert (change.kind, change.title, change.text) == ("diff", "a/b.py", "-old\n+new\n")
    assert (picture.kind, picture.text, picture.title) == ("picture", "plots/*.png", "plot.png")


def test_unknown_mark_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- walk: skips -->\n")
    with pytest.raises(ValueError, match="unknown mark 'skips'"):
        read_blocks(page)


def test_outputs_are_replaced_in_place(page: Path) -> None:
    blocks = read_blocks(page)
    page.write_text(with_outputs(page, [(blocks[1], "one\ntwo\nthree\n"), (blocks[3], "3\n")]))
    assert [block.output for block in read_blocks(page)][1:4] == ["one\ntwo\nthree\n", None, "3\n"]
    assert page.read_text().endswith(PAGE[PAGE.index("```diff") :])


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a\nb\n", "a\n\nb  \n", True),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("…\nd\n", "d\n", True),
        ("…\nd\n", "d\ne\n", False),
        ("a\n", "a\nb\n", False),
        ("", "", True),
        ("took … s\n", "took 1.5 s\n", True),
        ("…\nb\n…\nd\n", "a\nb\nc\nb\nd\n", True),
        ("…\nb\n…\nd\n", "a\nb\nc\nb\n", False),
        ("…\n" * 30 + "b\n", "a\n" * 1000, False),
        ("done\n", " 10 %\r 20 %\rdone\n", True),
    ],
)
def test_what_is_shown_agrees_with_what_is_printed(shown: str, printed: str, expected: bool) -> None:
    assert agrees(shown, printed) is expected


def test_a_line_may_have_any_text_in_its_middle() -> None:
    assert line_agrees("a …/b in … s", "a store/b in 1.2 s")
    assert line_agrees("✗ a main    failed after … s", "✗ a main   failed after 12.5 s")
    assert not line_agrees("  a    … s", "a    1.0 s")
    assert not line_agrees("a …a", "a")
    assert not line_agrees("…b … c", "b")
    assert not line_agrees("… x" * 30, "a" * 10_000)


def test_numbers_may_differ_in_the_last_digit() -> None:
    assert line_agrees("sf 0.981 ± 0.004", "sf 0.982 ± 0.004")
    assert not line_agrees("sf 0.981 ± 0.004", "sf 0.983 ± 0.004")
    assert not line_agrees("12 events", "13 events")


def test_shortened_output() -> None:
    assert shortened("in 1.5 s, 1,200 events/s: v1/0123456789ab\n\n") == "in … s, … events/s: v1/…\n"
    many = shortened("".join(f"line {number}\n" for number in range(100)))
    assert many.splitlines()[13:16] == ["line 13", "…", "line 94"]
    assert agrees(many, "".join(f"line {number}\n" for number in range(100)))


def test_change_of_a_file() -> None:
    content = "a = 1\nb = 2\n\nc = 3\n"
    assert apply_diff(content, " a = 1\n-b = 2\n+b = 4\n@@\n c = 3\n+d = 5\n") == "a = 1\nb = 4\n\nc = 3\nd = 5\n"
    with pytest.raises(ValueError, match="are there 0 times"):
        apply_diff(content, "-e = 1\n")
