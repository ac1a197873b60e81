from __future__ import annotations

import pytest

from pocket.base.file_names import MOST_BYTES, check_file_name, check_store_name
from pocket.errors import ConfigError, DatasetError
from tests.entries import check_each


@pytest.mark.parametrize("name", ["muon_pt", "a b", "π", "a.b", "-", "x" * MOST_BYTES, "\\"])
def test_names_that_files_can_have(name: str) -> None:
    assert check_file_name("histogram", name, "variables") == name


@check_each(
    ("name", "reason"),
    [
        ("", "is empty"),
        (".", "begins with a dot"),
        ("..", "begins with a dot"),
        (".hidden", "begins with a dot"),
        ("a/b", "has a slash"),
        ("/", "has a slash"),
        ("a\0b", "has a character that can't be printed"),
        ("a\nb", "has a character that can't be printed"),
        ("\udc80", "has a character that can't be printed"),
        ("x" * 300, f"has 300 bytes, more than {MOST_BYTES}"),
        ("π" * 100, f"has 200 bytes, more than {MOST_BYTES}"),
        (3, "is of type int, not a string"),
        (None, "is of type NoneType, not a string"),
    ],
)
def test_names_that_they_can_not_have(name: object, reason: str) -> None:
    with pytest.raises(
        ConfigError, match=f"^categories: category .* can't be part of a file name: it {reason}$"
    ) as caught:
        check_file_name("category", name, "categories")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
    with pytest.raises(DatasetError):
        check_file_name("sample", name, "datasets", DatasetError)


@check_each("name", ["..", "a/b", "", "-a", "a b", "x" * 129, "a\n", "π"])
def test_names_in_the_store(name: str) -> None:
    assert check_store_name("configuration", "main_1.2") == "main_1.2"
    with pytest.raises(ConfigError, match=r"^analysis 'a': configuration .* can't be part of a path in the store"):
        check_store_name("configuration", name, "analysis 'a'")
