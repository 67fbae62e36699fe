"""A CSV file before DuckDB reads it: digest, encoding, delimiter and header. Broken files are refused here.

One pass over the bytes. What DuckDB then reads is always UTF-8 whose first record is the header.
"""

import codecs
import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from domain.errors import DataError

_CHUNK = 1 << 20
_DELIMITERS = ",;\t|"
_MAGIC = {
    b"PK\x03\x04": "a zip or Excel file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
}
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Western text that happens to be valid Shift-JIS comes out as rare ideographs; syllables make half of Japanese text.
_KANA_OF_JAPANESE = 0.2
_FIRST_RARE_LEAD = 0x98
"""First byte with which the rare ideographs of Shift-JIS begin (JIS level 2)."""
# Tab, line feed and carriage return are text; any other control byte is a sign of a binary file.
_CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 13))


@dataclass(frozen=True)
class CsvFile:
    """A file that can be read. ``path`` may be a UTF-8 copy; ``header_row`` and ``blank_rows`` count as a spreadsheet does."""

    path: Path
    location: str
    delimiter: str
    header: list[str]
    header_row: int
    blank_rows: tuple[int, ...]
    ends_with_newline: bool
    has_open_quote: bool
    notices: tuple[str, ...]


@dataclass
class _Scan:
    """The findings of one pass over the bytes. ``nul_line`` counts from 1; ``last`` holds the last three bytes."""

    digest: str = ""
    size: int = 0
    utf8: bool = True
    nul_line: int | None = None
    controls: int = 0
    quotes: int = 0
    last: bytes = b""
    blank_lines: bool = False


def digest_file(path: Path) -> str:
    """SHA-256 of the bytes, in hexadecimal. Reads the file in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def open_csv(path: Path, location: str, scratch: Path) -> tuple[CsvFile, str]:
    """The file ready to be read, and the SHA-256 of its bytes. Raises DataError for a file that is not a whole CSV."""
    scan = _scan(path)
    _refuse_unreadable(path, location, scan)
    encoding, notices = _encoding(path, scan)
    readable = path
    top, skipped = _skip_to_header(path, encoding)
    # DuckDB reads UTF-8 only, expects the header in the first record, and takes these characters in a path for a pattern.
    if encoding != "utf-8-sig" or skipped or set(str(path)) & set("*?[]{}"):
        readable = scratch / f"{len(list(scratch.iterdir()))}.csv"
        try:
            _rewrite(path, readable, encoding, skipped)
        except UnicodeDecodeError as error:
            raise DataError(f"{location} cannot be decoded as {encoding}. Export it again as CSV (UTF-8).") from error
        if encoding.startswith("utf-16"):
            # In UTF-16 the bytes of quotes and line ends look different: count them again in the copy.
            copy = _scan(readable)
            scan.quotes, scan.last, scan.blank_lines = copy.quotes, copy.last, copy.blank_lines
    delimiter, header = _read_header(top, f"{location} row {1 + skipped}")
    blanks = _blank_records(readable, delimiter, skipped) if scan.blank_lines else ()
    file = CsvFile(
        path=readable,
        location=location,
        delimiter=delimiter,
        header=[name.strip() for name in header],
        header_row=1 + skipped,
        blank_rows=blanks,
        ends_with_newline=scan.last.endswith((b"\n", b"\r")),
        has_open_quote=scan.quotes % 2 == 1,
        notices=notices,
    )
    return file, scan.digest


def _scan(path: Path) -> _Scan:
    """One pass over the bytes of the file, in pieces, so that a large file needs no memory."""
    scan, digest, lines = _Scan(), hashlib.sha256(), 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    tail = b"\n"
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            scan.size += len(chunk)
            if scan.nul_line is None and (at := chunk.find(0)) >= 0:
                scan.nul_line = lines + chunk.count(b"\n", 0, at) + 1
            lines += chunk.count(b"\n")
            scan.quotes += chunk.count(b'"')
            scan.blank_lines = scan.blank_lines or _has_blank_line(tail + chunk)
            tail = chunk[-3:]  # a blank line may lie across two pieces
            scan.utf8 = scan.utf8 and _decodes(decoder, chunk)
            if not scan.utf8:
                scan.controls += len(chunk) - len(chunk.translate(None, _CONTROLS))
    scan.utf8 = scan.utf8 and _decodes(decoder, b"", final=True)
    scan.digest, scan.last = digest.hexdigest(), tail if scan.size else b""
    return scan


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _has_blank_line(chunk: bytes) -> bool:
    return b"\n\n" in chunk or b"\n\r\n" in chunk or b"\r\r" in chunk


def _refuse_unreadable(path: Path, location: str, scan: _Scan) -> None:
    """Raise DataError for a file that is empty, of another kind, or binary."""
    with path.open("rb") as stream:
        start = stream.read(8)
    if not start.strip(codecs.BOM_UTF8 + b"\r\n\t "):
        what = "is empty (0 bytes)" if scan.size == 0 else "holds nothing but blank lines"
        raise DataError(f"{location} {what}: it has no header line. Export it again, or remove it.")
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            raise DataError(f"{location} is {what}, not a CSV file. Export it again as CSV (UTF-8).")
    if start[:2] in _UTF16:
        return
    # Old encodings have a stray control byte now and then; more than one in 200 is no text of any encoding.
    binary = not scan.utf8 and scan.controls * 200 > scan.size
    if scan.nul_line is not None or binary:
        row = f" (row {scan.nul_line})" if scan.nul_line is not None else ""
        raise DataError(
            f"{location} cannot be decoded as text: it holds binary bytes{row}. Export it again as CSV (UTF-8)."
        )


def _encoding(path: Path, scan: _Scan) -> tuple[str, tuple[str, ...]]:
    """The encoding and a notice where it is not UTF-8."""
    with path.open("rb") as stream:
        start = stream.read(2)
    if start in _UTF16:
        return "utf-16", ("Read as UTF-16.",)
    if scan.utf8:
        return "utf-8-sig", ()
    # Excel on Windows saves CSV as Windows-1252, in Japan as Shift-JIS. Five bytes are undefined in the first; a file with
    # one of them that is not Japanese is taken for Latin-1, in which every byte is a character, so that this cannot fail.
    western, japanese = _kana_share(path, "cp1252") is not None, _kana_share(path, "cp932")
    if japanese is not None and (japanese > _KANA_OF_JAPANESE or (not western and _has_common_ideographs(path))):
        return "cp932", ("Not UTF-8: read as Shift-JIS.",)
    if western:
        return "cp1252", ("Not UTF-8: read as Windows-1252.",)
    return "latin-1", ("Not UTF-8: read as Latin-1.",)


def _has_common_ideographs(path: Path) -> bool:
    """True if most characters beyond ASCII are in the first, common part of the Japanese character set."""
    # Accented letters of Western text are bytes from 0xC0 on: as Shift-JIS they are rare ideographs.
    common = beyond = 0
    with path.open(encoding="cp932", newline="") as text:
        for line in text:
            leads = [character.encode("cp932")[0] for character in line if not character.isascii()]
            common += sum(lead < _FIRST_RARE_LEAD for lead in leads)
            beyond += len(leads)
    return 2 * common > beyond


def _kana_share(path: Path, encoding: str) -> float | None:
    """The share of Japanese syllables among the characters beyond ASCII; None where the bytes are not of this encoding."""
    kana = beyond = 0
    try:
        with path.open(encoding=encoding, newline="") as text:
            while chunk := text.read(_CHUNK):
                if not chunk.isascii():
                    beyond += sum(character > "\x7f" for character in chunk)
                    kana += sum("\u3041" <= character <= "\u30fe" for character in chunk)
    except UnicodeDecodeError:
        return None
    return kana / beyond if beyond else 0.0


def _skip_to_header(path: Path, encoding: str) -> tuple[str, int]:
    """The text from the header on (up to 256 kB), and how many lines come before it: blank ones, and Excel's ``sep=;``."""
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        lines = stream.read(1 << 18).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    skipped = 0
    while skipped < len(lines) - 1 and (not lines[skipped].strip() or lines[skipped].lower().startswith("sep=")):
        skipped += 1
    return "\n".join(lines[skipped:]), skipped


def _rewrite(path: Path, target: Path, encoding: str, skipped: int) -> None:
    with path.open(encoding=encoding, newline="") as source, target.open("w", encoding="utf-8", newline="") as copy:
        for _ in range(skipped):
            source.readline()
        while chunk := source.read(_CHUNK):
            copy.write(chunk)


def _read_header(top: str, at: str) -> tuple[str, list[str]]:
    """The delimiter that splits the header into the most names (of equals the first, a comma), and the names.

    ``at`` is the place for the message. Raises DataError for a header that is blank or longer than any name can be.
    """
    try:
        headers = {mark: next(csv.reader(io.StringIO(top, newline=""), delimiter=mark), []) for mark in _DELIMITERS}
    except csv.Error:
        raise DataError(f"{at}: a column name has more than 131,072 characters; is a quotation mark missing?") from None
    best = max(headers, key=lambda mark: len(headers[mark]))
    if not any(name.strip() for name in headers[best]):
        raise DataError(f"{at}: the header line is blank. Export the file again, or remove it.")
    return best, headers[best]


def _blank_records(path: Path, delimiter: str, skipped: int) -> tuple[int, ...]:
    """The numbers of blank rows. DuckDB skips them, but a spreadsheet counts them, and so does a reported row number."""
    previous = csv.field_size_limit(1 << 30)  # the limit is global: put back below
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            records = enumerate(csv.reader(stream, delimiter=delimiter), 1 + skipped)
            blank = [row for row, record in records if not record]
    finally:
        csv.field_size_limit(previous)
    return tuple(blank)
