"""New texts of the accounts under review that a language model is to read, with every name that may stand in them.

Which texts is decided by the data alone: by account in the given order, the newest first, within the limits of the
configuration. So a week that is run again sends the same texts.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from domain.configuration import ReadingSettings
from domain.text_to_read import KnownName, TextToRead, contact_prefix
from tools.evidence.account_record import newest_first, row_key, text_id, text_of
from tools.scoring.scored_base import Row, ScoredBase
from tools.signals import TEXT_COLUMNS
from tools.signals.plain_text import plain_text
from tools.signals.registry import InputRow

_WORD = re.compile(r"[^\W_]+")
_MAX_OTHER_NAMES = 2_000
"""Names of other accounts and their people that are searched in the texts: more share first words than stand there."""


def worse_accounts(base: ScoredBase, most: int) -> list[str]:
    """Accounts that are newly at risk, that worsened, or whose health fell since the last review; largest risk first."""
    return [
        row["account_id"]
        for row in base.rows(
            "select c.account_id from compared c semi join scored s on s.account_id = c.account_id "
            "where c.fell or c.change in ('new', 'worsened') order by c.risk desc nulls last, c.account_id limit ?",
            [most],
        )
    ]


def choose_texts(
    base: ScoredBase, accounts: Sequence[str], settings: ReadingSettings, read: Collection[str]
) -> tuple[list[TextToRead], int]:
    """The texts to read and the number of those beyond the limits. ``read``: ids of texts that were read before."""
    base.select_accounts(accounts)
    rows = _recent_rows(base, int(settings.days.value))
    chosen: list[tuple[str, InputRow, str]] = []
    beyond = 0
    for account in accounts:
        new = {text_id(account, row.table, row_key(row), text_of(row)): row for row in rows.get(account, ())}
        ordered = [(account, row, name) for name, row in new.items() if name not in read]
        chosen += ordered[: int(settings.per_account.value)]
        beyond += len(ordered[int(settings.per_account.value) :])
    most = int(settings.texts.value)
    beyond += len(chosen[most:])
    return _with_names(base, chosen[:most]), beyond


def _recent_rows(base: ScoredBase, days: int) -> Mapping[str, list[InputRow]]:
    """Rows with a text of the last days by account, the newest first."""
    found: list[tuple[str, InputRow]] = []
    for table, (day, written, _) in TEXT_COLUMNS.items():
        for row in base.rows(
            f"select t.* from {base.full_table(table)} t semi join picked p on p.account_id = t.account_id "
            f"where date_diff('day', t.{day}, ?) between 0 and ?",
            [base.as_of, days],
        ):
            row |= {name: plain_text(row[name]) for name in written if row.get(name)}
            found.append((row["account_id"], InputRow(table, row["row_no"], row[day], row)))
    by_account: dict[str, list[InputRow]] = {}
    for account, each in sorted(found, key=lambda pair: _order(pair[1])):
        if text_of(each).strip():
            by_account.setdefault(account, []).append(each)
    return by_account


def _order(row: InputRow) -> tuple[int, str, str, str]:
    return (newest_first(row.on), row.table, row_key(row), text_of(row))


def _with_names(base: ScoredBase, chosen: Sequence[tuple[str, InputRow, str]]) -> list[TextToRead]:
    own, colleagues = _own_names(base), _colleagues(base)
    others = _other_names(base, [text_of(row) for _, row, _ in chosen])
    found = []
    for account, row, name in chosen:
        assert row.on is not None
        author = row.columns.get("author") if row.table == "notes" else None
        known = [*others, *own.get(account, ()), *colleagues]
        if author and str(author) not in {each.name for each in known}:
            known.append(KnownName(f"colleague/{author}", str(author), "colleague"))
        found.append(
            TextToRead(
                text_id=name,
                account_id=account,
                table=row.table,
                key=row_key(row),
                on=row.on,
                text=text_of(row),
                whole=_whole(row),
                names=tuple(dict.fromkeys(known)),
            )
        )
    return found


def _whole(row: InputRow) -> str:
    """The text on one line as the scores read it: subject and body of a ticket with a full stop between."""
    parts = [str(row.columns[name]) for name in TEXT_COLUMNS[row.table][1] if row.columns.get(name)]
    return " ".join(". ".join(parts).split())


def _own_names(base: ScoredBase) -> dict[str, list[KnownName]]:
    """By account its name, its id, which people write, too, and its contacts."""
    found: dict[str, list[KnownName]] = {}
    for row in base.rows(
        "select a.account_id, a.name from accounts a semi join picked p on p.account_id = a.account_id order by 1"
    ):
        key, account = f"company/{row['account_id']}", found.setdefault(row["account_id"], [])
        account += [KnownName(key, row["name"], "company")] if row["name"] else []
        account.append(KnownName(key, row["account_id"], "company", in_parts=False))
    for row in base.rows(
        f"select t.account_id, t.contact_id, t.name, t.role from {base.full_table('contacts')} t "
        "semi join picked p on p.account_id = t.account_id where t.name is not null order by 1, 2"
    ):
        found.setdefault(row["account_id"], []).append(_contact(row, in_parts=True))
    return found


def _contact(row: Row, *, in_parts: bool) -> KnownName:
    key = f"{contact_prefix(row['account_id'])}{row['contact_id']}"
    return KnownName(key, row["name"], "customer", row.get("role"), in_parts)


def _colleagues(base: ScoredBase) -> list[KnownName]:
    rows = base.rows("select person_id, name, role from people where name is not null order by person_id")
    return [KnownName(f"colleague/{row['person_id']}", row["name"], "colleague", row["role"]) for row in rows]


def _other_names(base: ScoredBase, texts: Sequence[str]) -> list[KnownName]:
    """Whole names of other accounts and of their people that stand in one of the texts."""
    words = sorted({word.lower() for text in texts for word in _WORD.findall(text)})
    lower = "\n".join(texts).lower()
    tables = {"accounts": "accounts"}
    if base.warehouse is None:  # else only the contacts of the accounts under review are here
        tables["contacts"] = base.full_table("contacts")
    found = []
    for table, place in tables.items():
        id_column = "t.contact_id" if table == "contacts" else "t.account_id"
        rows = base.rows(
            f"select t.account_id, {id_column} as contact_id, t.name from {place} t "
            "semi join (select unnest(?) as word) w on w.word = lower(regexp_extract(t.name, '[\\pL\\pN]+')) "
            "where length(t.name) > 2 order by t.name, 1, 2",
            [words],
        )
        standing = [row for row in rows if row["name"].lower() in lower][:_MAX_OTHER_NAMES]
        if table == "contacts":
            found += [_contact(row, in_parts=False) for row in standing]
        else:
            found += [
                KnownName(f"company/{row['account_id']}", row["name"], "company", in_parts=False) for row in standing
            ]
    return found
