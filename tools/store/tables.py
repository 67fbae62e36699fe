"""Tables of a store, and the upserts by business key. One SQL text for SQLite and PostgreSQL.

A record is one JSON text (``body``); only what a query filters or sorts by is a column of its own. Days and times are ISO text.
Existing stores are brought to the newest version by `tools.store.versions`, step by step. A step that was once released is never
changed: a changed table is a further step, with a test.
"""

_STEP_1 = """
create table if not exists reviews (review_id text primary key, as_of text not null, request text not null,
    state text not null, run integer not null);
create table if not exists documents (review_id text, kind text, body text not null, primary key (review_id, kind));
create table if not exists decisions (review_id text, gate text, body text not null, primary key (review_id, gate));
create table if not exists actions (action_id text, approved_in text, approved_on text not null, body text not null,
    primary key (action_id, approved_in));
create table if not exists progress (action_id text primary key, state text not null, on_day text, note text not null,
    said_by text not null);
create table if not exists overrides (account_id text, set_on text, body text not null, primary key (account_id, set_on));
create table if not exists proposals (account_id text primary key, on_day text not null, body text not null,
    settled text);
create table if not exists audit (seq {identity}, at text not null, review_id text not null, who text not null,
    what text not null, facts text not null);
create table if not exists chain (seq integer primary key, mac text not null);
create table if not exists keys (digest text primary key, kind text not null, body text not null,
    expires text not null);
create table if not exists choices (review_id text, run integer, account_id text, number integer not null,
    body text not null, primary key (review_id, run, account_id));
create table if not exists notes (seq {identity}, review_id text not null, account_id text not null, at text not null,
    who text not null, body text not null);
create table if not exists views (who text, name text, query text not null, primary key (who, name));
create table if not exists answers (call text primary key, asked text not null, status integer not null,
    body text not null, at text not null);
"""
_STEP_2 = """
create table if not exists readings (text_id text, counts_from text, account_id text not null, body text not null,
    primary key (text_id, counts_from));
create table if not exists wrong_marks (statement_id text, counts_from text, account_id text not null,
    body text not null, primary key (statement_id, counts_from));
"""
_STEP_3 = """
create table if not exists outbox (key text primary key, sink text not null, kind text not null, target text not null,
    review_id text not null, desired text, desired_hash text, revision integer not null, reason text not null,
    released text not null, sent text, sent_hash text, tried text, before text, remote_id text, remote_version text,
    state text not null, tries integer not null, next_at text, claimed_by text, claimed_until text,
    last_error text not null);
"""
STEPS = (_STEP_1, _STEP_2, _STEP_3)
"""Statements that lead from one version to the next: the first makes version 1 of an empty store, the second version 2 of version 1,
and so on. ``{identity}`` is the type of a column that numbers its rows."""
UPSERT = {
    "review": "insert into reviews values (:review_id, :as_of, :request, 'running', :run) on conflict (review_id) do "
    "update set as_of = excluded.as_of, request = excluded.request, state = excluded.state, run = excluded.run",
    "document": "insert into documents values (:review_id, :kind, :body) on conflict (review_id, kind) do update set "
    "body = excluded.body",
    "action": "insert into actions values (:action_id, :approved_in, :approved_on, :body) on conflict (action_id, "
    "approved_in) do update set approved_on = excluded.approved_on, body = excluded.body",
    "progress": "insert into progress values (:action_id, :state, :on_day, :note, :said_by) on conflict (action_id) do "
    "update set state = excluded.state, on_day = excluded.on_day, note = excluded.note, said_by = excluded.said_by",
    "proposal": "insert into proposals values (:account_id, :on_day, :body, null) on conflict (account_id) do update "
    "set on_day = excluded.on_day, body = excluded.body, settled = null",
    "override": "insert into overrides values (:account_id, :set_on, :body) on conflict (account_id, set_on) do update "
    "set body = excluded.body",
    "reading": "insert into readings values (:text_id, :counts_from, :account_id, :body) on conflict (text_id, "
    "counts_from) do update set body = excluded.body",
    "wrong_mark": "insert into wrong_marks values (:statement_id, :counts_from, :account_id, :body) on conflict "
    "(statement_id, counts_from) do update set body = excluded.body",
}
"""Insert or replace, by what is written. Writing twice is writing once."""
