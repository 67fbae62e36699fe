"""Finding the account that a question means: by id, by name however it is spelt, or by description. Never a guess.

The engine compares the words of all names; only the nearest few leave it.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rapidfuzz import fuzz

from domain.configuration import AskSettings
from domain.questions import AccountCandidate, ParsedQuestion
from tools.ask.parse_question import normalize_text, split_words
from tools.scoring.scored_base import Row, ScoredBase
from tools.wording import known_amount

MAX_CANDIDATES = 5
_MAX_ROWS = 40
_MIN_SIMILARITY = 0.9
_MIN_WORD_LIKENESS = 60
_CLEAR_LEAD = 1.25
_MAX_SHARED_BY = 3
"""A word that at most so many names carry tells accounts apart."""

_NAME_WORDS = (
    "select account_id, unnest(list_distinct(string_split_regex(lower(strip_accents(name)), '[^\\p{L}\\p{N}]+'))) as word "
    "from scored"
)


@dataclass(frozen=True)
class AccountMatch:
    """The account, or whom the question may mean, or nobody."""

    account_id: str | None
    candidates: tuple[AccountCandidate, ...]


def find_account(base: ScoredBase, question: str, reading: ParsedQuestion) -> AccountMatch:
    """The one account that the question means; else the candidates to ask back with."""
    by_id = _by_id(base, question)
    if by_id:
        return _match_or_candidates(base, by_id, "its id")
    asking = base.configuration.asking
    rivals = {word for name in base.configuration.wording.competitors for word in split_words(name)}
    choices = [
        [word for word in words if word not in rivals] for words in _possible_name_words(question, asking, reading)
    ]
    for asked in choices:
        named = _by_name(base, question, asked, asking) if asked else None
        if named is not None:
            return _without_contradiction(base, question, named, asking)
    return _by_description(base, question, choices[0] if choices else [], reading)


def _by_id(base: ScoredBase, question: str) -> list[str]:
    tokens = sorted({token.strip(".,;:!?()\"'").lower() for token in question.split()})
    rows = base.rows("select account_id from scored where list_contains(?, lower(account_id)) order by 1", [tokens])
    return [row["account_id"] for row in rows]


def _possible_name_words(question: str, asking: AskSettings, reading: ParsedQuestion) -> list[list[str]]:
    """Words that may be part of a name, neither small nor understood: outside what the asker says, then of it all."""
    understood = {normalize_text(word) for word in asking.ignored}
    understood |= {normalize_text(name) for names in asking.months for name in names}
    understood |= set(split_words(reading.segment or ""))
    choices: list[list[str]] = []
    for text in (_without_statements(question, reading), question):
        found = list(dict.fromkeys(word for word in split_words(text) if word not in understood and len(word) > 1))
        if found and found not in choices:
            choices.append(found)
    return choices


def _without_contradiction(base: ScoredBase, question: str, found: AccountMatch, asking: AskSettings) -> AccountMatch:
    """The match, or a question back where the words go on otherwise than the name: "Solvanta Robotics" is not sure."""
    if found.account_id is None:
        return found
    details = _details(base, [found.account_id])[found.account_id]
    name_words = split_words(details["name"])
    tokens = [token.strip(".,;:!?()\"'") for token in question.split()]
    for token, after in pairwise(tokens):
        word, plain = normalize_text(token), normalize_text(after)
        if word not in name_words or not token[:1].isupper() or not after[:1].isupper() or not after.isalpha():
            continue
        is_known = plain in name_words or plain in asking.ignored or plain in asking.legal_forms
        if not is_known and max(fuzz.ratio(plain, each) for each in name_words) < _MIN_WORD_LIKENESS:
            return AccountMatch(None, (_candidate(base, details, f"its name has “{word}”, but not “{plain}”"),))
    return found


def _without_statements(question: str, reading: ParsedQuestion) -> str:
    """The question without what the asker says about the account."""
    core = " ".join(question.split())
    for said in reading.said:
        core = core.replace(said.quote, " ")
    return core


def _by_name(base: ScoredBase, question: str, asked: list[str], asking: AskSettings) -> AccountMatch | None:
    """Accounts whose names carry rare words of the question; None when only common words match."""
    total = base.rows("select count(*) as n from scored")[0]["n"]
    rows = base.rows(
        f"""with name_words as ({_NAME_WORDS}),
            counted as (select word, count(distinct account_id) as carriers from name_words where word <> '' group by 1),
            near as (
                select c.word, c.carriers, a.asked, case when c.word = a.asked then 1.0
                    when length(a.asked) >= 4 and length(c.word) >= 4
                        and levenshtein(c.word, a.asked) <= greatest(1, length(a.asked) // 4) then jaro_winkler_similarity(c.word, a.asked)
                    else 0 end as likeness
                from counted c cross join (select unnest(?) as asked) a
            ),
            best as (select asked, word, carriers, likeness from near where likeness >= ?),
            matched as (
                select n.account_id, b.asked, max(b.likeness * ln(1 + ? / b.carriers)) as weight, min(b.carriers) as carriers
                from name_words n join best b using (word) group by 1, 2
            )
            select account_id, sum(weight) as score, min(carriers) as rarest, list(asked order by asked) as asked
            from matched group by 1 order by score desc, account_id limit ?""",
        [asked, _MIN_SIMILARITY, float(total), _MAX_ROWS],
    )
    rare = [row for row in rows if row["rarest"] <= max(_MAX_SHARED_BY, total // 1000)]
    if not rare:
        return None
    details = _details(base, [row["account_id"] for row in rare])
    text = normalize_text(question)
    scored = sorted(
        ((row["score"] + _full_name_bonus(details[row["account_id"]]["name"], text, asking), row) for row in rare),
        key=lambda pair: (-pair[0], pair[1]["account_id"]),
    )
    best = scored[0][0]
    close = [row for score, row in scored if score * _CLEAR_LEAD > best]
    if len(close) == 1:
        return AccountMatch(close[0]["account_id"], ())
    return AccountMatch(
        None, tuple(_candidate(base, details[row["account_id"]], _matched_words(row)) for row in close[:MAX_CANDIDATES])
    )


def _full_name_bonus(name: str, text: str, asking: AskSettings) -> float:
    """Points for a name that the text has in full, legal form aside: it beats one that only shares a word."""
    core = " ".join(word for word in split_words(name) if word not in asking.legal_forms)
    if core and re.search(rf"\b{re.escape(core)}\b", text):
        return 10.0 + len(core) / 10
    return fuzz.partial_ratio(core, text) / 100 if core else 0.0


def _matched_words(row: Row) -> str:
    return "its name has " + ", ".join(f"“{word}”" for word in row["asked"])


def _by_description(base: ScoredBase, question: str, asked: list[str], reading: ParsedQuestion) -> AccountMatch:
    """By what the question says of it: a common word of the name, the segment, the month of the renewal, the CSM."""
    where: list[str] = []
    values: list[Any] = []
    why: list[str] = []
    if asked:
        written = {token.strip(".,;:!?()\"'") for token in question.split()}
        proper = [word for word in asked if word.capitalize() in written]
        least = len(proper) if len(proper) > 1 else 1  # "Pembridge Water" is not just any water company
        where.append(
            f"account_id in (select account_id from ({_NAME_WORDS}) group by 1 "
            f"having len(list_intersect(list_distinct(list(word)), ?)) >= {least})"
        )
        values.append([*asked, *(word.removesuffix("s") for word in asked), *(f"{word}s" for word in asked)])
        why.append("the word in its name")
    if reading.segment:
        where.append("segment = ?")
        values.append(reading.segment)
        why.append("its segment")
    if reading.month:
        where.append("extract(month from renewal_date) = ? and renewal_in_days between -31 and 366")
        values.append(reading.month)
        why.append("the month of its renewal")
    if reading.csm_id:
        where.append("csm_id = ?")
        values.append(reading.csm_id)
        why.append("its CSM")
    if not where or (len(where) == 1 and not asked):
        return AccountMatch(None, ())
    rows = base.rows(
        f"select account_id from scored where {' and '.join(where)} order by at_risk desc, risk * cast(arr as double) desc, "
        f"account_id limit {MAX_CANDIDATES + 1}",
        values,
    )
    return _match_or_candidates(base, [row["account_id"] for row in rows], " and ".join(why))


def _match_or_candidates(base: ScoredBase, accounts: list[str], why: str) -> AccountMatch:
    if len(accounts) == 1:
        return AccountMatch(accounts[0], ())
    details = _details(base, accounts)
    return AccountMatch(None, tuple(_candidate(base, details[account], why) for account in accounts[:MAX_CANDIDATES]))


def _details(base: ScoredBase, accounts: list[str]) -> dict[str, Row]:
    rows = base.rows(
        "select account_id, name, arr, renewal_date, segment from scored where list_contains(?, account_id)", [accounts]
    )
    return {row["account_id"]: row for row in rows}


def _candidate(base: ScoredBase, row: Row, why: str) -> AccountCandidate:
    return AccountCandidate(
        account_id=row["account_id"],
        name=row["name"],
        arr=known_amount(row["arr"]),
        currency=base.configuration.scoring.money.home,
        renewal_date=row["renewal_date"],
        segment=row["segment"],
        why=why,
    )
