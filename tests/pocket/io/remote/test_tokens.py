from __future__ import annotations

import pytest

from pocket.errors import ConfigError
from pocket.io.remote.tokens import holds_token, redacted, with_token
from tests.entries import check_each

URL = "root://host//a.root"


@check_each(
    ("options", "left"),
    [
        ("?authz=eyJh.b-c_d", "?authz=…"),
        ("?x=1&authz=Bearer%20eyJh&y=2", "?x=1&authz=…&y=2"),
        ("?access_token=abc", "?access_token=…"),
        ("?authz=$TOKEN-abc", "?authz=…"),
        ("?authz=Bearer%20${TOKEN}", "?authz=Bearer%20${TOKEN}"),
        ("?authz=$TOKEN&x=abc", "?authz=$TOKEN&x=abc"),
        ("?x=authz", "?x=authz"),
        ("", ""),
    ],
)
def test_redacted(options: str, left: str) -> None:
    assert redacted(f"{URL}{options}") == f"{URL}{left}"
    assert redacted(f"'{URL}{options}' failed") == f"'{URL}{left}' failed"
    assert holds_token(f"{URL}{options}") is (options != left)


def test_tokens_are_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "abc")
    assert with_token(f"{URL}?x=$TOKEN&authz=Bearer%20$TOKEN") == f"{URL}?x=$TOKEN&authz=Bearer%20abc"
    assert with_token(f"{URL}?authz=${{TOKEN}}&x=1") == f"{URL}?authz=abc&x=1"
    assert with_token("/data/$TOKEN.root") == "/data/$TOKEN.root"
    monkeypatch.delenv("TOKEN")
    with pytest.raises(ConfigError, match=r"a\.root\?authz=\$TOKEN needs a token in TOKEN, which isn't set here"):
        with_token(f"{URL}?authz=$TOKEN")
