"""SD files: the text of each record, cut into molecule and data fields."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from skchem_dl._readers.lines import BYTE_ORDER_MARK, Lines, Record

RECORD_END = "$$$$"
_BLOCK_END = "M  END"
# What RDKit takes for blank: not all that Python does.
BLANK = " \t\n\r\v\f"
_ANY_HEADER = re.compile(r"^[ \t]*>.*<.+>", re.MULTILINE)


class SDFRecord(NamedTuple):
    """One record of an SD file."""

    line: int  # where it begins, from 1
    raw: str  # all of it, with the line $$$$ if there is one
    title: str
    mol_block: str
    fields: dict[str, str]
    problem: str | None  # what is wrong with the record, where the molecule cannot be trusted


def sdf_records(lines: Lines) -> Iterator[Record]:
    """Cut a file at its lines ``$$$$``; blank lines behind the last are no record."""
    for line in lines:
        if line.startswith(RECORD_END):
            yield lines.record([])
    if any(line.strip() for line in lines.taken):
        yield lines.record([])


def parse_record(record: Record) -> SDFRecord:
    """Take a record apart; nothing of its text is lost, or the record has a problem."""
    text = record.raw.removeprefix(BYTE_ORDER_MARK)
    body = text[: _start_of_last_line(text)] if _has_end(text) else text
    block, rest = _split_block(body)
    fields, problem = _read_fields(line.removesuffix("\r") for line in rest.split("\n"))
    title = block.partition("\n")[0].removesuffix("\r")
    return SDFRecord(record.line, record.raw, title, block, fields, problem)


def split_end(raw: str) -> tuple[str, str]:
    """Split a record's text before its line ``$$$$``, which may be missing."""
    at = _start_of_last_line(raw) if _has_end(raw) else len(raw)
    return raw[:at], raw[at:]


def own_columns(fields: Iterable[str]) -> tuple[str, str]:
    """Return the names of the columns of titles and of SMILES, which differ from those of fields.

    They are "name" and "smiles", or "mol_name" and "mol_smiles" if a field is called so.
    """
    taken = {field.casefold() for field in fields}
    free = []
    for name in ("name", "smiles"):
        while name in taken:
            name = f"mol_{name}"
        free.append(name)
    return free[0], free[1]


def _has_end(raw: str) -> bool:
    return raw.startswith(RECORD_END, _start_of_last_line(raw))


def _start_of_last_line(raw: str) -> int:
    return raw.rfind("\n", 0, len(raw) - 1) + 1


def _split_block(body: str) -> tuple[str, str]:
    """Split behind the line ``M  END``, or else before the first data field."""
    at = -1
    for _ in range(3):  # the title and two more lines are free text
        at = body.find("\n", at + 1)
        if at < 0:
            break
    end = body.find(f"\n{_BLOCK_END}", at) if at >= 0 else -1
    if end >= 0:
        end = body.find("\n", end + 1)
        return (body, "") if end < 0 else (body[: end + 1], body[end + 1 :])
    header = _ANY_HEADER.search(body)
    return (body[: header.start()], body[header.start() :]) if header else (body, "")


def _read_fields(lines: Iterable[str]) -> tuple[dict[str, str], str | None]:
    """Read data fields: a header each, then lines up to a blank one.

    Text behind that blank line, where the next header should be, belongs to the value, too.
    """
    values: list[tuple[str, list[str]]] = []
    inside = stray = False
    n_blank = 0
    for line in lines:
        text = line.strip(BLANK)
        if inside:
            if text or line[:1] in (" ", "\t"):
                if stray and line.startswith(_BLOCK_END):
                    return _joined(values), _two_blocks()
                values[-1][1].append(line)
            else:
                inside, n_blank = False, 1
        elif text.startswith(">"):
            values.append((_field_name(text), []))
            inside, stray = True, False
        elif not text:
            n_blank += 1
        elif values:
            values[-1][1].extend([""] * n_blank + [line])
            inside = stray = True
        else:
            return {}, _stray_before(line, lines)
    return _joined(values), None


def _stray_before(line: str, lines: Iterable[str]) -> str:
    if line.startswith(_BLOCK_END) or any(other.startswith(_BLOCK_END) for other in lines):
        return _two_blocks()
    return f"text behind the mol block that is not a data field: {line[:40]!r}"


def _two_blocks() -> str:
    return f"two mol blocks in one record: a line {RECORD_END} between them is missing"


def _field_name(header: str) -> str:
    """Return what stands in angle brackets, or else the whole header."""
    start, end = header.find("<", 1), header.rfind(">", 1)
    return header[start + 1 : end] if 0 < start < end - 1 else header


def _joined(values: list[tuple[str, list[str]]]) -> dict[str, str]:
    """Join the lines of each field; one that occurs twice has both values."""
    fields: dict[str, str] = {}
    for name, lines in values:
        value = "\n".join(lines)
        fields[name] = f"{fields[name]}\n{value}" if name in fields else value
    return fields
