"""The command ``push``: print the plan, send it, or read back. Exit 3 when something is left for people."""

from app.outgoing import check_outgoing, guarantee, outbox_settings, plan_outgoing, send_outgoing
from app.output import EXIT_DONE, EXIT_WAITING, print_progress, print_result, to_json_text
from app.wiring import open_store
from domain.errors import InputError
from domain.outbox import OutboxSettings, PushPlan, PushReport
from tools.outbox.reading_back import ReadBack
from tools.outbox.text import plain


def push_review(
    review_id: str,
    send: bool,
    plan: str | None,
    check: bool,
    by: str,
    store: str | None,
    configs: str | None,
    as_json: bool,
) -> None:
    """Print the plan of a closed review, send exactly the plan with this hash, or read back, and end the process."""
    if send != (plan is not None):
        raise InputError("to send, give --send and the hash that the plan ended with: --send --plan HASH")
    if send and check:
        raise InputError("use either --send or --check")
    with open_store(store) as session:
        settings = outbox_settings(session, review_id, configs)
        shown = plan_outgoing(session, review_id, settings, by)
        if check:
            _print_check(check_outgoing(session, review_id, settings, by), as_json)
        elif plan is None:
            print_result(to_json_text(shown.model_dump(mode="json")) if as_json else plan_text(shown, settings))
        else:
            print_report(send_outgoing(session, review_id, plan, settings, by), as_json, f"saveplay push {review_id}")
    raise SystemExit(EXIT_DONE)


def plan_text(plan: PushPlan, settings: OutboxSettings) -> str:
    """The plan by receiver: what would be created, changed, left and taken back."""
    if not settings.on():
        return "No receiver is on in configs/outbox.yaml; nothing would be sent."
    lines = []
    for name, sink in sorted(settings.on().items()):
        changes = [each for each in plan.changes if each.sink == name]
        counts = {
            kind: sum(each.change == kind for each in changes) for kind in dict.fromkeys(c.change for c in changes)
        }
        told = ", ".join(f"{count} to {kind}" for kind, count in counts.items()) or "nothing to do"
        lines.append(f"{name} ({guarantee(name, sink)}): {told}")
        lines += [f"  {each.line}" for each in changes if each.change != "leave"]
    if all(each.change == "leave" for each in plan.changes):
        return "\n".join([*lines, "Everything is as decided; nothing would be sent."])
    return "\n".join([*lines, f"To send exactly this: saveplay push {plan.review_id} --send --plan {plan.hash}"])


def print_report(report: PushReport, as_json: bool, again: str) -> None:
    """Print what arrived; for what did not, each item with its reason, and exit 3. ``again``: the command to look once more."""
    if as_json:
        print_result(to_json_text(report.model_dump(mode="json")))
    else:
        print_result(f"{report.sent} sent, {report.taken_back} taken back, {report.left} were there already")
    if not report.open:
        return
    for item in report.open:
        print_progress(f"  {item.state}: {plain(item.key, 120)}: {plain(item.last_error or 'not sent yet', 200)}")
    print_progress(f"{len(report.open)} did not arrive; look at them again: {again}")
    raise SystemExit(EXIT_WAITING)


def _print_check(found: ReadBack, as_json: bool) -> None:
    if as_json:
        document = {
            "looked_at": found.looked_at,
            "not_readable": found.not_readable,
            "differences": [each.model_dump(mode="json") for each in found.differences],
            "done": [each._asdict() for each in found.closed],
        }
        print_result(to_json_text(document))
    else:
        lines = [
            f"{found.looked_at} looked up, {len(found.differences)} differ, {found.not_readable} cannot be looked up"
        ]
        lines += [f"  {each.found}: {plain(each.key, 120)}: {plain(each.line, 200)}" for each in found.differences]
        lines += [
            f"  done in {each.sink} on {each.on}, recorded: {plain(each.action_id, 120)}" for each in found.closed
        ]
        print_result("\n".join(lines))
    if found.differences:
        raise SystemExit(EXIT_WAITING)
