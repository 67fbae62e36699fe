"""Turns a real account into a case: dates become relative, names, ids and addresses are removed, money is rounded.

The customer's own sentences stay in the case. A person must read it before it is committed.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import yaml

from domain.errors import UnknownReference
from evals.cases import AGO_COLUMNS, ROW_KEYS
from tools.scoring.scored_base import ScoredBase

_TABLES = ("usage", *AGO_COLUMNS)
_CHECK = "CHECK: one or two sentences: what an experienced leader sees here and concludes."
_ADDRESS = re.compile(r"\S+@\S+|(?:https?://|www\.)\S+", re.IGNORECASE)
_TEXTS = ("subject", "body", "comment", "text", "goal")
"""Columns of free text. Names are removed from these columns only."""
_ROUND = 3
"""Significant digits kept in amounts of money."""
Row = Mapping[str, Any]


def anonymise_account(base: ScoredBase, account_id: str) -> str:
    """The case as YAML. ``expect`` holds the product's own conclusions, for a person to check.

    Raises UnknownReference when the account is not in the data.
    """
    found = base.rows("select * from accounts where account_id = ?", [account_id])
    if not found:
        raise UnknownReference(
            f"there is no account {account_id!r} in the data; see `saveplay score --json` for the ids"
        )
    account, as_of = found[0], base.as_of
    hide = _names(base, account)
    case: dict[str, Any] = {"why": _CHECK, "tests": ["from_a_real_account"], "as_of": as_of}
    case["account"] = _account(account, as_of, base.configuration.scoring.money.home)
    roles = {
        row["contact_id"]: row["role"]
        for row in base.rows(
            f"select contact_id, role from {base.full_table('contacts')} where account_id = ?", [account_id]
        )
    }
    for table in _TABLES:
        rows = base.rows(f"select * from {base.full_table(table)} where account_id = ? order by row_no", [account_id])
        case[table] = (
            _usage(rows, as_of) if table == "usage" else [_row(table, row, as_of, hide, roles) for row in rows]
        )
    connected = {source.table for source in base.audit.sources if source.connected}
    case["not_connected"] = sorted(set(_TABLES) - connected)
    case["expect"] = _concluded(base, account_id)
    return yaml.safe_dump(case, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


def _names(base: ScoredBase, account: Row) -> re.Pattern[str] | None:
    """Pattern of every name that a text may contain: the account, its contacts and our people. None without names."""
    rows = base.rows(
        f"select name from {base.full_table('contacts')} where account_id = ? union all select name from people",
        [account["account_id"]],
    )
    names = [account["name"], account["account_id"], *(row["name"] for row in rows)]
    parts = {part for name in names if name for part in (name, *name.split()) if len(part) > 2}
    longest = sorted(map(re.escape, parts), key=lambda part: (-len(part), part))
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest)})(?!\w)", re.IGNORECASE) if longest else None


def _plain(text: str, hide: re.Pattern[str] | None) -> str:
    clean = _ADDRESS.sub("(address)", text)
    return hide.sub("somebody", clean) if hide else clean


def _account(row: Row, as_of: date, home: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": "A customer", "arr": _rounded(row["arr_home"]), "currency": home}
    found["renewal_in_days"] = (row["renewal_date"] - as_of).days if row["renewal_date"] else None
    found["seats"] = row["seats"]
    found["lifecycle_stage"] = row["lifecycle_stage"] or "live"
    found["started_ago"] = (as_of - row["started_on"]).days if row["started_on"] else None
    found["owner"] = row["csm_id"] is not None
    return found


def _rounded(amount: Any) -> float:
    return float(f"{float(amount):.{_ROUND}g}")


def _usage(rows: Sequence[Row], as_of: date) -> Any:
    """The usage part of a case, one list per column, in the interval of the feed (7 days, or 1 for a daily feed)."""
    if not rows:
        return []
    days = sorted({row["date"] for row in rows})
    gaps = sorted((b - a).days for a, b in pairwise(days))
    ordered = sorted(rows, key=lambda row: row["date"])
    every = gaps[len(gaps) // 2] if gaps else 7
    found: dict[str, Any] = {"last_ago": (as_of - days[-1]).days, "every": every}
    for column in ("active_users", "logins", "core_actions", "features_used"):
        if all(row[column] is not None for row in ordered):
            found[column] = [float(row[column]) for row in ordered]
    return found


def _row(table: str, row: Row, as_of: date, hide: re.Pattern[str] | None, roles: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, column in AGO_COLUMNS[table].items():
        if row.get(column) is not None:
            found[key] = (as_of - row[column]).days
    for column in sorted(ROW_KEYS[table] & set(row)):
        value = row[column]
        if value is None or column in ("author", "title"):
            continue
        if table == "contacts" and column == "name":
            continue
        if column in ("amount", "arr_change"):
            value = _rounded(value)
        found[column] = _plain(value, hide) if column in _TEXTS else value
    if table == "touchpoints" and roles.get(row.get("contact_id") or ""):
        found["contact"] = roles[row["contact_id"]]
    return found


def _concluded(base: ScoredBase, account_id: str) -> dict[str, Any]:
    """The product's conclusions today, for a person to confirm or correct."""
    row = base.rows("select * from scored where account_id = ?", [account_id])
    if not row:
        return {}
    scored = row[0]
    return {
        "health_band": scored["health_band"],
        "at_risk": scored["at_risk"],
        "risk_tier": scored["risk_tier"],
        "tier": scored["intervention_tier"] or "none",
    }
