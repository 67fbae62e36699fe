"""The health scorer: whose health fell this week (phase 1), and why each of the worst is at risk (phase 2)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from domain.configuration import Configuration
from domain.diagnosis import CauseFinding, Pattern
from domain.dossier import Dossier, Person
from domain.facts import Incident
from domain.phase_results import PortfolioCounts
from tools.evidence.causes import UNDETERMINED, diagnose
from tools.reading.reader import StatementReader
from tools.wording import format_money, format_short_day, plural, quote


def diagnose_accounts(dossiers: Sequence[Dossier], configuration: Configuration) -> tuple[CauseFinding, ...]:
    """The root cause of each account: ranked hypothesis, driver, pillar, difficulty, time to churn."""
    return tuple(diagnose(dossier, configuration.causes, configuration.scoring) for dossier in dossiers)


def find_patterns(
    dossiers: Sequence[Dossier],
    findings: Sequence[CauseFinding],
    population: PortfolioCounts,
    people: Mapping[str, Person],
    configuration: Configuration,
    incidents: Sequence[Incident] = (),
) -> tuple[Pattern, ...]:
    """Incidents first, then what several accounts at risk share: a cause, a driver, a product area, a segment, a CSM."""
    by_account = {finding.account_id: finding for finding in findings}
    reader = StatementReader(configuration.wording)
    themes = {
        dossier.account_id: _themes(dossier, reader, configuration.review.theme_minimum.value) for dossier in dossiers
    }
    least = int(configuration.review.pattern_minimum.value)
    currency = configuration.scoring.money.home
    found: list[Pattern] = []

    def add(kind: str, subjects: Callable[[Dossier], Sequence[str]], say: Callable[[str, int], str]) -> None:
        groups: dict[str, list[Dossier]] = {}
        for dossier in dossiers:
            for subject in subjects(dossier):
                groups.setdefault(subject, []).append(dossier)
        for subject, members in groups.items():
            arr = round(sum(member.arr or 0.0 for member in members), 2)
            if len(members) >= least:
                message = f"{say(subject, len(members))} ({format_money(arr, currency)} of ARR)."
                ids = tuple(member.account_id for member in members)
                found.append(
                    Pattern(
                        kind=kind, subject=subject, accounts=len(members), arr=arr, message=message, account_ids=ids
                    )
                )

    def causes(dossier: Dossier) -> list[str]:
        finding = by_account.get(dossier.account_id)
        return [finding.label] if finding and finding.category != UNDETERMINED else []

    def drivers(dossier: Dossier) -> list[str]:
        finding = by_account.get(dossier.account_id)
        return [finding.driver] if finding and finding.driver != "unknown" else []

    add("cause", causes, lambda subject, n: f"{subject} is the likely cause for {plural(n, 'account')}")
    add("driver", drivers, lambda subject, n: f"The driver is {subject} for {plural(n, 'account')}")
    add("theme", lambda d: themes[d.account_id], lambda s, n: f"{plural(n, 'account')} at risk wrote about “{s}”")
    found += _overrepresented(dossiers, population, people, configuration)
    ordered = sorted(found, key=lambda pattern: (-pattern.accounts, -pattern.arr, pattern.kind, pattern.subject))
    return (*(incident_pattern(incident, currency) for incident in incidents), *ordered)


def incident_pattern(incident: Incident, currency: str) -> Pattern:
    """The incident in one sentence. It names codes and phrases only, no text of a customer."""
    since = format_short_day(incident.first_on)
    state = {True: "still open", False: "all closed", None: "open or closed is not known"}[incident.open]
    escalated = f"{plural(incident.escalated, 'ticket')} escalated, " if incident.escalated else ""
    return Pattern(
        kind="incident",
        subject=incident.title,
        accounts=len(incident.account_ids),
        arr=incident.arr,
        message=(
            f"{plural(len(incident.account_ids), 'account')} with {format_money(incident.arr, currency)} of ARR have reported "
            f"the same thing since {since}: {quote(incident.title)}; {escalated}{state}."
        ),
        account_ids=incident.account_ids,
    )


def _themes(dossier: Dossier, reader: StatementReader, least: float) -> list[str]:
    """Themes that at least ``least`` of the account's recent tickets touch."""
    counts = Counter(theme for text in dossier.texts for theme in reader.themes(text))
    return [theme for theme, count in sorted(counts.items()) if count >= least]


def _overrepresented(
    dossiers: Sequence[Dossier], population: PortfolioCounts, people: Mapping[str, Person], configuration: Configuration
) -> list[Pattern]:
    """Segments and books whose share of the at-risk list is well above their share of the base."""
    currency = configuration.scoring.money.home
    total = sum(population.segments.values())
    groups = (
        ("segment", {dossier.account_id: dossier.segment for dossier in dossiers}, population.segments),
        ("book", {dossier.account_id: dossier.csm_id or "" for dossier in dossiers}, population.csms),
    )
    found = []
    for kind, group_of, base in groups:
        for subject, count in sorted(Counter(filter(None, group_of.values())).items()):
            lift = (count / len(dossiers)) / (base[subject] / total) if base.get(subject) else 0.0
            if count < configuration.review.pattern_minimum.value or lift < configuration.review.pattern_lift.value:
                continue
            members = [dossier for dossier in dossiers if group_of[dossier.account_id] == subject]
            arr = round(sum(member.arr or 0.0 for member in members), 2)
            name = people[subject].name if subject in people else subject
            share = f"{lift:.1f} times the share in the whole base"
            where = f"in segment {name}" if kind == "segment" else "in one CSM's book"
            found.append(
                Pattern(
                    kind=kind,
                    subject=name if kind == "segment" else "one book",
                    accounts=count,
                    arr=arr,
                    message=f"{plural(count, 'account')} at risk are {where}, {share} ({format_money(arr, currency)} of ARR).",
                    account_ids=tuple(member.account_id for member in members),
                )
            )
    return found
