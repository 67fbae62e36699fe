"""Seeded damage to a folder of exports, as programs, disks and people do it: one kind of damage to one file each time."""

import csv
import io
import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

Mutation = Callable[[random.Random, Path], None]

ABSURD = (
    "1e308", "-1e400", "99999999999999999999999999", "-1", "NaN", "inf", "-Infinity", "0x10", "1,2,3.4.5", "--5", "٣٤",
    "1e-320", "'", "=1+1", "1" * 400, "0" * 300 + "1", "(((1)))", "€", "%", "1k1k", "½", "1e99999",
    "0000-00-00", "9999-12-31", "10000-01-01", "2026-02-30", "2026-13-01", "292278994-08-17", "infinity", "epoch",
    "-2026-11-23", "2026-11-23 (BC)", "31.02.2026", "99/99/9999", "00/00/0000", "1.1.1", "2026-11-23T25:61:61Z",
    "2026-11-23T00:00:00+99:99", "20261323", "1763856000000", "Feb 31 2026", "5877642-06-25", "0001-01-01",
    "2026-11-23T10:00:00 Europe/Nowhere", "12:00", "",
)  # fmt: skip
"""Cells in place of numbers and dates that no export should have and some have."""
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "latin-1", "cp037", "utf-7", "cp932")


def mutate(seed: int, source: Path, target: Path) -> str:
    """Copy a folder and damage it once; the same seed damages it in the same way. Returns what was done, in words."""
    chance = random.Random(seed)
    shutil.copytree(source, target)
    name = chance.choice(sorted(path.name for path in target.iterdir() if path.is_file()))
    kind = chance.choice(MUTATIONS if not name.endswith((".parquet", ".db")) else BINARY_MUTATIONS)
    kind(chance, target / name)
    return f"seed {seed}: {kind.__name__} of {name}"


def flip_bits(chance: random.Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 3, 30, 300))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def truncate(chance: random.Random, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.choice((chance.randrange(len(content)), chance.randrange(80), len(content) - 1))])


def cut_out_a_piece(chance: random.Random, path: Path) -> None:
    content = path.read_bytes()
    start = chance.randrange(len(content))
    path.write_bytes(content[:start] + content[start + chance.choice((1, 50, 5000)) :])


def repeat_a_piece(chance: random.Random, path: Path) -> None:
    content = path.read_bytes()
    start = chance.randrange(len(content))
    path.write_bytes(content[:start] + content[start : start + chance.choice((50, 5000))] * 2 + content[start:])


def swap_columns(chance: random.Random, path: Path) -> None:
    rows, delimiter = _rows(path)
    first, second = chance.randrange(len(rows[0])), chance.randrange(len(rows[0]))
    whole = chance.random() < 0.5  # the cells without their names, or both
    for row in rows if whole else rows[1:]:
        if len(row) > max(first, second):
            row[first], row[second] = row[second], row[first]
    _write(path, rows, delimiter)


def repeat_a_column(chance: random.Random, path: Path) -> None:
    rows, delimiter = _rows(path)
    column = chance.randrange(len(rows[0]))
    _write(path, [[*row, *row[column : column + 1]] for row in rows], delimiter)


def remove_a_column(chance: random.Random, path: Path) -> None:
    rows, delimiter = _rows(path)
    column = chance.randrange(len(rows[0]))
    _write(path, [row[:column] + row[column + 1 :] for row in rows], delimiter)


def rename_a_column(chance: random.Random, path: Path) -> None:
    rows, delimiter = _rows(path)
    names = ("", " ", "\u202eemaN", "a" * 5000, 'quo"ted', "Ünïcode", "rowid", "row_no", "select", "x' or '1'='1", "\\")
    rows[0][chance.randrange(len(rows[0]))] = chance.choice(names)
    _write(path, rows, delimiter)


def add_quotes(chance: random.Random, path: Path) -> None:
    content = path.read_bytes()
    for _ in range(chance.choice((1, 2, 7, 40))):
        at = chance.randrange(len(content))
        content = content[:at] + chance.choice((b'"', b'""', b"'", b'\n"', b'"\n', b"\\")) + content[at:]
    path.write_bytes(content)


def change_the_encoding(chance: random.Random, path: Path) -> None:
    path.write_bytes(_text(path).encode(chance.choice(ENCODINGS), errors="replace"))


def mix_encodings(chance: random.Random, path: Path) -> None:
    content = path.read_bytes()
    at = chance.randrange(len(content))
    strange = chance.choice(
        (b"\xff\xfe", b"\xe4\xf6\xfc", "株式会社".encode("cp932"), b"\xed\xa0\x80", "\x85\u2028".encode())
    )
    path.write_bytes(content[:at] + strange + content[at:])


def mix_line_ends(chance: random.Random, path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"".join(line + chance.choice((b"\n", b"\r\n", b"\r", b"\n\n", b"\r\r\n")) for line in lines))


def put_a_huge_field(chance: random.Random, path: Path) -> None:
    rows, delimiter = _rows(path)
    row = rows[chance.choice((0, chance.randrange(len(rows))))]
    row[chance.randrange(len(row))] = chance.choice(("x", "9", '"', "\n", "é")) * chance.choice(
        (140_000, 1_100_000, 3_000_000)
    )
    _write(path, rows, delimiter)


def put_nul_bytes(chance: random.Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 50))):
        content.insert(chance.randrange(len(content)), 0)
    path.write_bytes(content)


def put_absurd_cells(chance: random.Random, path: Path) -> None:
    rows, delimiter = _rows(path)
    column, worst = chance.randrange(len(rows[0])), chance.choice(ABSURD)
    whole = chance.random() < 0.3
    for row in rows[1:] if whole else chance.choices(rows[1:], k=20) if len(rows) > 1 else []:
        if len(row) > column:
            row[column] = worst if whole else chance.choice(ABSURD)
    _write(path, rows, delimiter)


def remove_the_file(_: random.Random, path: Path) -> None:
    path.unlink()


def put_a_folder_in_its_place(chance: random.Random, path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.mkdir()
    if chance.random() < 0.5:
        (path / "part-0.parquet").write_bytes(content)


def put_a_link_in_its_place(chance: random.Random, path: Path) -> None:
    path.unlink()
    path.symlink_to(
        chance.choice((path, Path("nowhere"), Path("."), path.parent, Path("/dev/null"), Path("/dev/zero")))
    )


def put_a_pipe_in_its_place(_: random.Random, path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def empty_the_file(chance: random.Random, path: Path) -> None:
    first = path.read_bytes().split(b"\n")[0]
    path.write_bytes(
        chance.choice(
            (b"", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b"sep=;\n", b"   \n\n", first, first + b"\n", b",,,\n", b'"')
        )
    )


def change_the_extension(chance: random.Random, path: Path) -> None:
    path.rename(
        path.with_suffix(chance.choice((".parquet", ".db", ".CSV", ".txt", ".csv.parquet", ".xlsx", ".csv.csv")))
    )


def put_another_kind_of_file(chance: random.Random, path: Path) -> None:
    starts = (
        b"PK\x03\x04",
        b"PAR1",
        b"\x1f\x8b\x08",
        b"%PDF-1.7",
        b"\x89PNG\r\n",
        b'{"a": [1]}',
        b"<html>",
        b"SQLite format 3\0",
    )
    path.write_bytes(chance.choice(starts) + chance.randbytes(chance.choice((0, 10, 5000))))


def shorten_and_lengthen_rows(chance: random.Random, path: Path) -> None:
    rows, delimiter = _rows(path)
    for row in chance.choices(rows, k=30):
        row[:] = (
            row[: chance.randrange(len(row) + 1)]
            if chance.random() < 0.5
            else [*row, *["more"] * chance.choice((1, 500))]
        )
    _write(path, rows, delimiter)


MUTATIONS: Sequence[Mutation] = (
    flip_bits, truncate, cut_out_a_piece, repeat_a_piece, swap_columns, repeat_a_column, remove_a_column, rename_a_column,
    add_quotes, change_the_encoding, mix_encodings, mix_line_ends, put_a_huge_field, put_nul_bytes, put_absurd_cells,
    put_absurd_cells, put_absurd_cells, remove_the_file, put_a_folder_in_its_place, put_a_link_in_its_place,
    put_a_pipe_in_its_place, empty_the_file, change_the_extension, put_another_kind_of_file, shorten_and_lengthen_rows,
)  # fmt: skip
BINARY_MUTATIONS: Sequence[Mutation] = (
    flip_bits, flip_bits, truncate, cut_out_a_piece, repeat_a_piece, put_nul_bytes, remove_the_file,
    put_a_folder_in_its_place, put_a_link_in_its_place, empty_the_file, change_the_extension, put_another_kind_of_file,
)  # fmt: skip


def _text(path: Path) -> str:
    """The text of an export; one of them is written in Windows-1252."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _rows(path: Path) -> tuple[list[list[str]], str]:
    """The records of a text file and its delimiter; of a mapping its lines."""
    text = _text(path)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row] or [[""]], delimiter


def _write(path: Path, rows: Sequence[Sequence[str]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
