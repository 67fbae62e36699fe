"""SQL that finds the words which several accounts report in the same weeks, and the rows that hold them.

Pure text. The counting happens in the engine, over tickets and notes of the whole base; only rows of words that pass
the thresholds leave it. ``{tickets}`` and ``{notes}`` are FROM expressions with every column.
"""

from collections.abc import Sequence
from datetime import date

from domain.fact_settings import IncidentSettings, WordThresholds
from tools.sql import sql_date, sql_number, sql_string, sql_strings

REPORT_COLUMNS = "account_id, source, key, on_day, subject, text, written, escalated, serious, closed_at"
_WORDS = r"string_split_regex(lower({text}), '[^\p{{L}}\p{{N}}]+')"
_SENTENCES = (
    "string_split(regexp_replace(text, "
    + sql_string("([.!?]+[\"'\u201d\u2019\u00bb\u201c)]*)\\s+")
    + ", '\\1' || chr(10), 'g'), chr(10))"
)
"""The sentences of a text with their full stops, as ``account_record.sentences`` gives them."""


def texts_sql(tickets: str, notes: str, settings: IncidentSettings, as_of: date) -> str:
    """Tickets and notes of the window and of the time before it; ``is_now`` is true in the window."""
    last = sql_date(as_of)
    days = int(settings.window.value + settings.earlier.value)
    window = int(settings.window.value)
    serious = (
        "case when escalated or sla_breached or priority in ('high', 'urgent') then true "
        "when priority is not null then false end"
    )
    tickets_sql = (
        "select account_id, 'tickets' as source, ticket_id as key, opened_at as on_day, subject, "
        f"concat_ws(chr(10), subject, body) as text, escalated, {serious} as serious, closed_at from {tickets}"
    )
    notes_sql = (
        "select account_id, 'notes' as source, cast(date as varchar) as key, date as on_day, null as subject, text, "
        f"false as escalated, null as serious, null as closed_at from {notes}"
    )
    return (
        f"select *, text as written, date_diff('day', on_day, {last}) < {window} as is_now from ({tickets_sql} union all {notes_sql}) "
        f"where text <> '' and date_diff('day', on_day, {last}) between 0 and {days - 1}"
    )


def _reporting_sql(texts: str, settings: IncidentSettings) -> str:
    """The texts without the sentences that say that all is well. Costly: for texts that have passed a cheaper test."""
    well = sql_string(settings.all_well)
    told = f"[sentence for sentence in {_SENTENCES} if not regexp_matches(sentence, {well}, 'i')]"
    return f"select * replace (array_to_string({told}, chr(10)) as text) from ({texts})"


def code_words_sql(texts: str, settings: IncidentSettings) -> str:
    """One row for each code or version number in a text: E-417, 5.2, ERROR 500."""
    code = sql_string(settings.code)
    with_code = f"select * from ({texts}) where regexp_matches(text, {code})"
    reports = _reporting_sql(with_code, settings)
    found = f"select *, unnest(list_distinct(regexp_extract_all(text, {code}))) as found from ({reports})"
    plain = "case when regexp_matches(found, '^[vV][0-9]') then substr(upper(found), 2) else upper(found) end"
    return f"select * exclude (found), {plain} as word from ({found})"


def phrase_words_sql(texts: str, settings: IncidentSettings) -> str:
    """One row for each pair of neighbouring words in the subject of a ticket, without everyday words and numbers."""
    stop = sql_strings(settings.stop_words)
    words = _WORDS.format(text="subject")
    kept = " and ".join(
        f"length({word}) > 2 and not list_contains([{stop}], {word}) and not regexp_matches({word}, '[0-9]')"
        for word in ("words[i]", "words[i + 1]")
    )
    pairs = f"list_distinct([words[i] || ' ' || words[i + 1] for i in range(1, len(words)) if {kept}])"
    not_well = f"not regexp_matches(subject, {sql_string(settings.all_well)}, 'i')"
    split = f"select *, {words} as words from ({texts}) where subject is not null and {not_well}"
    return f"select * exclude (words), unnest({pairs}) as word from ({split})"


def companion_words_sql(texts: str, phrases: Sequence[str], settings: IncidentSettings) -> str:
    """One row for each of the given phrases in a text."""
    line = f"' ' || array_to_string({_WORDS.format(text='text')}, ' ') || ' '"
    held = f"[phrase for phrase in [{sql_strings(phrases)}] if contains(line, ' ' || phrase || ' ')]"
    first = " or ".join(
        f"contains(lower(text), {sql_string(word)})" for word in sorted({phrase.split()[0] for phrase in phrases})
    )
    reports = _reporting_sql(f"select * from ({texts}) where {first}", settings)
    lines = f"select *, {line} as line from ({reports})"
    return f"select * exclude (line), unnest({held}) as word from ({lines})"


def escalations_sql(texts: str, words: Sequence[str], accounts: Sequence[str], settings: IncidentSettings) -> str:
    """The escalated tickets of these accounts in the window that hold one of the words."""
    held = f"[word for word in [{sql_strings(words)}] if list_contains({_WORDS.format(text='text')}, word)]"
    escalated = f"select * from ({texts}) where is_now and escalated and account_id in ({sql_strings(accounts)})"
    chosen = _reporting_sql(escalated, settings)
    return f"select * from (select {REPORT_COLUMNS}, unnest({held}) as word from ({chosen})) order by all"


def candidates_sql(words: str, settings: IncidentSettings, thresholds: WordThresholds) -> str:
    """The rows of the window with a word that enough accounts use, much more often than before.

    ``earlier`` is the number of accounts that used the word in the time before.
    """
    rate_now = sql_number(settings.earlier.value)
    rate_before = sql_number(settings.window.value * thresholds.lift.value)
    return (
        f"with words as materialized ({words}), counted as ("
        "select word, count(distinct account_id) filter (is_now) as accounts, "
        "count(distinct account_id) filter (not is_now) as earlier from words group by word), "
        f"candidates as (select * from counted where accounts >= {int(thresholds.accounts.value)} "
        f"and accounts * {rate_now} >= earlier * {rate_before}) "
        f"select {REPORT_COLUMNS}, w.word, c.earlier from words w join candidates c on c.word = w.word where w.is_now "
        "order by w.word, on_day, account_id, source, key, text"
    )
