"""The command ``remind``: print whom it would tell what, or send exactly that. Exit 3 when a message did not arrive."""

from datetime import datetime

from app.output import EXIT_DONE, print_progress, print_result, to_json_text
from app.push_command import print_report
from app.reminding import MessagePlan, plan_messages, send_messages
from app.wiring import open_store
from domain.errors import InputError

_STATES = {"unknown": " (no answer last time)", "refused": " (refused last time)", "retry": " (not delivered yet)"}


def remind_people(
    as_of: str, send: bool, plan: str | None, by: str, store: str | None, configs: str | None, as_json: bool
) -> None:
    """Print the messages of a moment, or send them, and end the process."""
    if plan is not None and not send:
        raise InputError("to send, give --send as well as --plan")
    at = parse_moment(as_of)
    with open_store(store) as session:
        planned = plan_messages(session, at, configs, by)
        if send:
            again = f"saveplay remind --as-of {as_of}"
            print_report(send_messages(session, planned, plan, by), as_json, again)
        elif as_json:
            print_result(
                to_json_text(
                    planned.plan.model_dump(mode="json")
                    | {"unreachable": list(planned.unreachable), "quiet": list(planned.quiet)}
                )
            )
        else:
            print_result(messages_text(planned, as_of))
        _say_who_is_left(planned)
    raise SystemExit(EXIT_DONE)


def parse_moment(text: str) -> datetime:
    """A day and a time with its distance from UTC. Raises InputError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InputError(
            f"--as-of {text!r} is not a moment; write day, time and distance from UTC: 2026-11-24T09:00+01:00"
        )
    return found


def messages_text(planned: MessagePlan, as_of: str) -> str:
    """Whom it would tell what."""
    lines = []
    for change in planned.plan.changes:
        if change.change != "leave":
            content = planned.contents.get(change.key, {})
            note = f", {content['critical']} critical" if content.get("critical") else ""
            lines.append(f"{content.get('to', change.key)}{note}{_STATES.get(change.state, '')}")
            lines += [f"  {line}" for line in content.get("lines", ())]
    if not lines:
        return "Nobody is to be told anything now."
    return "\n".join(
        [*lines, f"To send exactly this: saveplay remind --as-of {as_of} --send --plan {planned.plan.hash}"]
    )


def _say_who_is_left(planned: MessagePlan) -> None:
    for name in planned.unreachable:
        print_progress(f"{name} cannot be told: no address for {planned.sink}")
    if planned.quiet:
        print_progress(f"{len(planned.quiet)} in quiet hours or on a day off, told later: {', '.join(planned.quiet)}")
