"""Records of the review desk: pending choices, notes, saved views, keys of people and programs, answers to API calls.

Secrets are never stored: of sessions, one-time links, tokens and unfinished sign-ins, only a digest is. So a copy of the database
lets nobody sign in. Times are ISO text in UTC, from the caller's clock.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from domain.decisions import PlayDecision
from domain.desk import Credential, CredentialKind, MeetingNote, Member, PendingDecision
from domain.errors import StaleDecision
from domain.record import Row
from tools.store.review_store import ReviewStore

_NUMBER_LENGTH = 8


def credential_number(secret: str) -> str:
    """Number by which people name a secret: the first 8 digits of its digest."""
    return hash_secret(secret)[:_NUMBER_LENGTH]


def hash_secret(secret: str) -> str:
    """Digest that is stored for a secret: SHA-256 in 64 hexadecimal digits. Secrets are random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


_NO_CHOICE = "null"
"""Body of a row whose choice was taken back."""


class DeskStore:
    """Tables of the desk in a store."""

    def __init__(self, store: ReviewStore) -> None:
        self.store = store
        self._database = store.database

    def _row(self, sql: str, **values: Any) -> Row | None:
        return next(iter(self._database.rows(sql, values)), None)

    # choices ---------------------------------------------------------------------------------------------------------

    def choices(self, review_id: str, run: int) -> dict[str, PendingDecision]:
        """Pending decisions of a run, by account id, sorted."""
        rows = self._choice_rows(review_id, run)
        found = {row["account_id"]: choice for row in rows if (choice := _choice(row)) is not None}
        return {account: found[account] for account in sorted(found)}

    def _choice_rows(self, review_id: str, run: int) -> list[Row]:
        return self._database.rows(
            "select * from choices where review_id = :review_id and run = :run", {"review_id": review_id, "run": run}
        )

    def save_choice(self, review_id: str, run: int, decision: PlayDecision, by: str, seen: int) -> PendingDecision:
        """Save a pending decision. ``seen`` is the number of the choice that the page showed, 0 for none.

        Raises StaleDecision if somebody chose since, or if the plan is already decided: nobody overwrites a choice unseen.
        """
        with self.store.transaction():
            rows, row = self._check_choice(review_id, run, decision.account, seen)
            before = _choice(row) if row is not None else None
            replaced = (
                before.model_copy(update={"before": None}) if before is not None else None
            )  # one step back is enough
            place = 1 + max((each.place for each in map(_choice, rows) if each is not None), default=0)
            number = row["number"] + 1 if row is not None else 1
            choice = PendingDecision(decision=decision, by=by, number=number, place=place, before=replaced)
            self._write_choice(review_id, run, decision.account, number, choice.model_dump_json())
            self.store.log(
                review_id,
                by,
                "chose",
                account=decision.account,
                before=_as_logged(before),
                after=_as_logged(choice),
            )
        return choice

    def take_back_choice(self, review_id: str, run: int, account: str, by: str, seen: int) -> PendingDecision | None:
        """Take back the choice with the number ``seen``. Returns what stands now: the choice before it, or None.

        Raises StaleDecision if somebody chose since, if there is nothing to take back, or if the plan is decided.
        """
        with self.store.transaction():
            _, row = self._check_choice(review_id, run, account, seen)
            taken = _choice(row) if row is not None else None
            if row is None or taken is None:
                raise StaleDecision(f"{account}: there is no decision to take back; read what stands now")
            back = taken.before.model_copy(update={"number": row["number"] + 1}) if taken.before is not None else None
            # The row stays without a choice: its number keeps a page that was opened earlier from overwriting a newer one.
            body = back.model_dump_json() if back is not None else _NO_CHOICE
            self._write_choice(review_id, run, account, row["number"] + 1, body)
            self.store.log(
                review_id, by, "took back", account=account, before=_as_logged(taken), after=_as_logged(back)
            )
        return back

    def _check_choice(self, review_id: str, run: int, account: str, seen: int) -> tuple[list[Row], Row | None]:
        """All rows of the run, and the row about the account. Raises StaleDecision unless ``seen`` is the choice in it."""
        if self.store.decision(review_id, "plan") is not None:
            raise StaleDecision(f"the plan of {review_id} is already decided; read what stands now")
        rows = self._choice_rows(review_id, run)
        row = next((each for each in rows if each["account_id"] == account), None)
        now = _choice(row) if row is not None else None
        if (now.number if now else 0) != seen:
            what = f"{now.by} decided" if now else "that decision was taken back"
            raise StaleDecision(f"{account}: {what} meanwhile; read what stands now, then decide")
        return rows, row

    def _write_choice(self, review_id: str, run: int, account: str, number: int, body: str) -> None:
        self._database.execute(
            "insert into choices values (:review_id, :run, :account_id, :number, :body) on conflict "
            "(review_id, run, account_id) do update set number = excluded.number, body = excluded.body",
            {"review_id": review_id, "run": run, "account_id": account, "number": number, "body": body},
        )
        self.store.changed("choices", review_id, run, account)

    def carry_choices(self, review_id: str, run: int, choices: Sequence[PendingDecision]) -> None:
        """Save choices of an earlier run as those of this run; a choice that was made since is kept."""
        with self.store.transaction():
            for choice in choices:
                self.store.changed("choices", review_id, run, choice.decision.account)
            self._database.execute_each(
                "insert into choices values (:review_id, :run, :account_id, :number, :body) on conflict do nothing",
                [
                    {
                        "review_id": review_id, "run": run, "account_id": choice.decision.account,
                        "number": choice.number, "body": choice.model_copy(update={"before": None}).model_dump_json(),
                    }  # what was chosen before was about the earlier run
                    for choice in choices
                ],
            )  # fmt: skip

    # notes and views -------------------------------------------------------------------------------------------------

    def save_note(self, review_id: str, account_id: str, by: str, at: str, text: str) -> None:
        """Save one line of the meeting; ``account_id`` is empty for a note about the whole review."""
        with self.store.transaction():
            self._database.execute(
                "insert into notes (review_id, account_id, at, who, body) values "
                "(:review_id, :account_id, :at, :who, :body)",
                {"review_id": review_id, "account_id": account_id, "at": at, "who": by, "body": text},
            )
            newest = self._row("select max(seq) as seq from notes")
            self.store.changed("notes", newest["seq"] if newest else 0)
            self.store.log(review_id, by, "wrote down", account=account_id, text=text)

    def notes(self, review_id: str) -> list[MeetingNote]:
        """Notes of a review, oldest first."""
        rows = self._database.rows(
            "select * from notes where review_id = :review_id order by seq", {"review_id": review_id}
        )
        return [MeetingNote(account_id=r["account_id"], by=r["who"], at=r["at"], text=r["body"]) for r in rows]

    def save_view(self, who: str, name: str, query: str) -> None:
        """Save the filters of a table under a name; an empty query deletes the view."""
        with self.store.transaction():
            key = {"who": who, "name": name}
            self._database.execute("delete from views where who = :who and name = :name", key)
            if query:
                self._database.execute("insert into views values (:who, :name, :query)", {**key, "query": query})

    def views(self, who: str) -> list[tuple[str, str]]:
        """Name and query of a person's saved views, sorted by name."""
        rows = self._database.rows("select name, query from views where who = :who", {"who": who})
        return sorted((row["name"], row["query"]) for row in rows)

    # keys ------------------------------------------------------------------------------------------------------------

    def save_key(self, kind: CredentialKind, secret: str, body: Mapping[str, Any], expires: str) -> None:
        """Save the digest of a secret with a body, valid until ``expires``."""
        row = {
            "digest": hash_secret(secret),
            "kind": kind,
            "body": json.dumps(body, sort_keys=True),
            "expires": expires,
        }
        with self.store.transaction():
            self._database.execute("insert into keys values (:digest, :kind, :body, :expires)", row)

    def find_key(self, kind: CredentialKind, secret: str, now: str) -> Row | None:
        """Body saved with a secret, or None if it is unknown or expired at ``now``."""
        row = self._row(
            "select body, expires from keys where digest = :digest and kind = :kind",
            digest=hash_secret(secret),
            kind=kind,
        )
        return json.loads(row["body"]) if row is not None and row["expires"] > now else None

    def consume_key(self, kind: CredentialKind, secret: str, now: str) -> Row | None:
        """Body of a secret that works once; the secret is deleted. Of two requests at once, one gets None."""
        with self.store.transaction():
            found = self.find_key(kind, secret, now)
            taken = self.delete_key(kind, secret)
        return found if taken else None

    def delete_key(self, kind: CredentialKind, secret: str) -> bool:
        """Delete a secret. True if it existed."""
        with self.store.transaction():
            values = {"digest": hash_secret(secret), "kind": kind}
            return self._database.execute("delete from keys where digest = :digest and kind = :kind", values) == 1

    def delete_expired_keys(self, now: str) -> None:
        """Delete keys that have expired at ``now``."""
        with self.store.transaction():
            self._database.execute("delete from keys where expires <= :now", {"now": now})

    def credential(self, kind: CredentialKind, secret: str, now: str) -> Credential | None:
        """The credential of a secret, or None if it is unknown or expired at ``now``."""
        body = self.find_key(kind, secret, now)
        return _credential(kind, hash_secret(secret), "", body) if body is not None else None

    def consume_link(self, secret: str, now: str) -> Credential | None:
        """The credential of a one-time link, which is deleted; None if it is unknown, used or expired."""
        body = self.consume_key("link", secret, now)
        return _credential("link", hash_secret(secret), "", body) if body is not None else None

    def credentials(self, now: str) -> list[Credential]:
        """Sessions, unopened links and tokens that are valid at ``now``, sorted by kind, name and number."""
        rows = self._database.rows(
            "select * from keys where kind in ('session', 'link', 'token') and expires > :now", {"now": now}
        )
        found = [_credential(row["kind"], row["digest"], row["expires"], json.loads(row["body"])) for row in rows]
        return sorted(found, key=lambda each: (each.kind, each.member.name, each.number))

    def tokens(self) -> list[Row]:
        """Tokens of programs: number, name, role and expiry, sorted by name."""
        return [
            {"number": each.number, "name": each.member.name, "role": each.member.role, "expires": each.expires}
            for each in self.credentials("")
            if each.kind == "token"
        ]

    def delete_credential(self, kind: CredentialKind, number: str) -> bool:
        """Delete a session, a link or a token by its number. True if it existed."""
        with self.store.transaction():
            values = {"kind": kind, "number": number + "%"}
            return self._database.execute("delete from keys where kind = :kind and digest like :number", values) > 0

    # answers ---------------------------------------------------------------------------------------------------------

    def find_answer(self, call: str) -> tuple[str, int, str] | None:
        """Saved answer to a call with this idempotency key: digest of the request, status, body. None if there is none."""
        row = self._row("select asked, status, body from answers where call = :call", call=call)
        return (row["asked"], row["status"], row["body"]) if row else None

    def save_answer(self, call: str, asked: str, status: int, body: str, at: str) -> None:
        """Save the answer to a call, for repeats of the same call. The first answer is kept."""
        with self.store.transaction():
            self._database.execute(
                "insert into answers values (:call, :asked, :status, :body, :at) on conflict do nothing",
                {"call": call, "asked": asked, "status": status, "body": body, "at": at},
            )


def _choice(row: Row) -> PendingDecision | None:
    """The choice in a row; None when it was taken back."""
    return PendingDecision.model_validate_json(row["body"]) if row["body"] != _NO_CHOICE else None


def _as_logged(choice: PendingDecision | None) -> dict[str, Any] | None:
    return choice.decision.model_dump(mode="json", exclude_defaults=True) if choice is not None else None


def _credential(kind: CredentialKind, digest: str, expires: str, body: Row) -> Credential:
    """A credential from its row. Links and tokens of earlier versions hold the member alone."""
    number = digest[:_NUMBER_LENGTH]
    if "member" not in body:
        return Credential(kind=kind, number=number, expires=expires, member=Member.model_validate(body))
    return Credential.model_validate({**body, "kind": kind, "number": number, "expires": expires})
