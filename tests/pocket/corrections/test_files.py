from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import correctionlib.schemav2 as cs
import numpy as np
import pytest

from pocket.corrections.evaluation import evaluate
from pocket.corrections.files import load_correction, read_corrections
from pocket.errors import ChangedFileError, ConfigError, UnknownNameError
from pocket.parameters.checksums import content_of
from pocket.parameters.used_files import recording_files
from tests.pocket.correction_files import binned, write_corrections


@pytest.fixture
def path(tmp_path: Path) -> str:
    return write_corrections(
        tmp_path / "sf.json", binned("muon_id", {"pt": [0, 10, 20]}, lambda kind, i: float(i), "systematic")
    )


def test_correction(path: str) -> None:
    assert load_correction(path, "muon_id").evaluate(15.0, "nominal") == 1.0


def test_plain_content_of_a_file_and_of_a_compressed_one(path: str, tmp_path: Path) -> None:
    compressed = tmp_path / "sf.json.gz"
    compressed.write_bytes(gzip.compress(Path(path).read_bytes()))
    (correction,) = read_corrections(content_of(path))
    assert correction["name"] == "muon_id"
    assert read_corrections(content_of(str(compressed))) == [correction]


def test_a_file_is_read_once_in_a_branch(path: str) -> None:
    with recording_files():
        first = load_correction(path, "muon_id")
        Path(path).unlink()
        assert load_correction(path, "muon_id").evaluate(5.0, "up") == first.evaluate(5.0, "up")


def replace(path: str, value: float) -> None:
    """Put another file with a constant value in the place of one, of the same size and time."""
    stat = Path(path).stat()
    written = Path(write_corrections(Path(path).with_name("new.json"), constant("muon_id", value)))
    os.utime(written, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    written.replace(path)


def constant(name: str, value: float) -> cs.Correction:
    return binned(name, {"pt": [0, 10, 20]}, lambda kind, i: value, "systematic")


def test_a_file_that_is_replaced_is_read_anew(path: str) -> None:
    for value in (1.25, 1.75, 1.25):
        replace(path, value)
        with recording_files() as used:
            assert load_correction(path, "muon_id").evaluate(15.0, "nominal") == value
        assert used.checksums() == {path: hashlib.sha256(Path(path).read_bytes()).hexdigest()}
    replace(path, 1.5)
    assert load_correction(path, "muon_id").evaluate(15.0, "nominal") == 1.5
    assert evaluate(path, "muon_id", {"pt": np.array([15.0]), "systematic": "nominal"}) == 1.5


def test_a_file_that_is_replaced_in_a_branch(path: str) -> None:
    replace(path, 1.25)
    with recording_files() as used:
        for _ in range(2):
            assert load_correction(path, "muon_id").evaluate(15.0, "nominal") == 1.25
            assert evaluate(path, "muon_id", {"pt": np.array([15.0]), "systematic": "nominal"}) == 1.25
            replace(path, 1.75)
        with pytest.raises(ChangedFileError, match=f"^{path} was changed while it was used: run this again$"):
            used.checksums()


def test_a_file_that_is_replaced_before_it_is_loaded(path: str) -> None:
    replace(path, 1.25)
    content = content_of(path)
    replace(path, 1.75)
    with pytest.raises(ChangedFileError, match="was changed while it was used"):
        read_corrections(content)


def test_compound_correction(tmp_path: Path) -> None:
    both = [binned(name, {"pt": [0, 10, 20]}, lambda kind, i: 1.0 + i, "kind") for name in ("first", "second")]
    compound = cs.CompoundCorrection(
        name="product",
        inputs=both[0].inputs,
        output=both[0].output,
        inputs_update=[],
        input_op="*",
        output_op="*",
        stack=["first", "second"],
    )
    content = cs.CorrectionSet(schema_version=2, corrections=both, compound_corrections=[compound])
    path = tmp_path / "compound.json"
    path.write_text(content.model_dump_json())
    assert load_correction(str(path), "product").evaluate(15.0, "nominal") == 4.0
    with pytest.raises(
        UnknownNameError, match=r"unknown correction 'produkt' in compound\.json, did you mean 'product'"
    ):
        load_correction(str(path), "produkt")


def test_a_correction_by_name(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(Path(path).parent))
    assert load_correction("corrections://sf.json", "muon_id").evaluate(15.0, "nominal") == 1.0
    with pytest.raises(UnknownNameError, match=r"unknown correction 'muon_di' in sf\.json, did you mean 'muon_id'"):
        load_correction("corrections://sf.json", "muon_di")
    # another folder, another file
    monkeypatch.setenv("POCKET_CORRECTIONS", str(Path(path).parent / "none"))
    with pytest.raises(ConfigError, match=r"^corrections://sf\.json is not in \S*/none: .*POCKET_CORRECTIONS"):
        load_correction("corrections://sf.json", "muon_id")


def test_what_cannot_be_loaded(path: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown correction 'muon_di' in sf\.json, did you mean 'muon_id'"):
        load_correction(path, "muon_di")
    with pytest.raises(ConfigError, match=r"correction file .*none\.json does not exist"):
        load_correction(str(tmp_path / "none.json"), "muon_id")
    (tmp_path / "bad.json").write_text('{"schema_version": 2, "corrections": [')
    with pytest.raises(ConfigError, match=r"bad\.json is not a correctionlib file: "):
        load_correction(str(tmp_path / "bad.json"), "muon_id")


def test_a_name_of_the_toys_in_code() -> None:
    with pytest.raises(ConfigError, match=r"toys://a\.json is a name of the parameters: take the path from params"):
        load_correction("toys://a.json", "muon_id")
