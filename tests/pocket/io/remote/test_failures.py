from __future__ import annotations

from pocket.io.remote.failures import Failure, failure_of, is_missing, why_unreadable
from tests.entries import check_each

URL = "root://host//store/a.root"


# texts as XRootD 6.2.1 and fsspec-xrootd 0.5.5 give them
@check_each(
    ("error", "failure"),
    [
        (OSError("Failed to open file: [FATAL] Connection error"), Failure.TRANSIENT),
        (OSError("Failed to submit <bound method File.open> request: [FATAL] Invalid address"), Failure.TRANSIENT),
        (OSError("Bytes failed to read: [ERROR] Server responded with an error: [3007] I/O error"), Failure.TRANSIENT),
        (OSError("File did not vector_read properly: [ERROR] Operation expired"), Failure.TIMEOUT),
        (OSError("Failed to open file: [FATAL] Socket timeout"), Failure.TIMEOUT),
        (TimeoutError(), Failure.TIMEOUT),
        (OSError("Failed: [ERROR] Server responded with an error: [3011] No such file"), Failure.FINAL),
        (OSError("Failed: [ERROR] Server responded with an error: [3010] permission denied"), Failure.FINAL),
        (OSError("[ERROR] Server responded with an error: [3009] Unable to write /a; no space left"), Failure.FINAL),
        (
            OSError("[ERROR] Server responded with an error: [3005] Unable to create /a; marked read/only\n"),
            Failure.FINAL,
        ),
        (
            OSError("[ERROR] Server responded with an error: [3005] Unable to open /read-only; I/O error"),
            Failure.TRANSIENT,
        ),
        (OSError("Failed to open file: [FATAL] Auth failed"), Failure.FINAL),
        (OSError("expected Chunk of length 403, received 0 bytes"), Failure.FINAL),
        (ValueError("not a ROOT file"), Failure.FINAL),
        (None, Failure.FINAL),
    ],
)
def test_kinds(error: Exception | None, failure: Failure) -> None:
    assert failure_of(URL, error) is failure
    assert failure_of("/data/a.root", error) is Failure.FINAL


def test_sentences() -> None:
    lost = OSError("Failed to open file: [ERROR] Server responded with an error: [3011] No such file\n")
    assert why_unreadable(URL, lost) == "can't be read: [ERROR] Server responded with an error: [3011] No such file"
    corrupt = ValueError("not a ROOT\n file")
    assert why_unreadable(URL, corrupt) == "can't be read, it is truncated or corrupt: ValueError: not a ROOT file"
    assert len(why_unreadable(URL, ValueError("very long " * 100))) < 260


def test_missing() -> None:
    assert is_missing(OSError("[ERROR] Server responded with an error: [3011] No such file"))
    assert not is_missing(OSError("[FATAL] Connection error"))
