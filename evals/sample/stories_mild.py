"""Stories of customers who are well or nearly well, some with rows that are hard to interpret."""

from evals.sample.customer import LatestInvoice, LevelCurve, SampleCustomer, constant_level, falling_level
from evals.sample.dates import ago
from evals.sample.words_tickets import RELEASE


def healthy(c: SampleCustomer, depth: float) -> None:
    """Nothing is wrong."""


def lukewarm(c: SampleCustomer, depth: float) -> None:
    """Slightly mixed: a little less use, slower answers, a goal behind."""
    c.set_truth("lukewarm", "none", 60, "renews")
    c.use, c.mood, c.bond = falling_level(90, 0.9, 60), constant_level(0.8), constant_level(0.85)
    c.goals = ("on_track", "behind")


def release_hit(c: SampleCustomer, depth: float) -> None:
    """Release 5.2 gave them sync errors too, which were fixed in time."""
    c.set_truth("release_5_2_mild", "none", 32, "renews")
    c.mood = LevelCurve(((32, 1.0), (20, 0.8), (5, 0.95)))
    first = len(c.name) % 4
    c.ticket(30 - first, RELEASE[first], priority="high", closed=24 - first, csat=4)
    c.ticket(17 - first, RELEASE[0], priority="normal", closed=13 - first, csat=4)


def seasonal_low(c: SampleCustomer, depth: float) -> None:
    """The season ended in October as it does every year."""
    c.set_truth("seasonal", "none", 40, "renews; usage returns in spring")
    c.season = -0.6


def seasonal_high(c: SampleCustomer, depth: float) -> None:
    """Their busy months are now."""
    c.set_truth("seasonal", "none", 40, "renews")
    c.season = 0.5
    c.note(12, "They are evaluating alternatives for their label printers, nothing to do with us.", 5)


def no_surveys_no_contacts(c: SampleCustomer, depth: float) -> None:
    """Nobody entered contacts, nobody was surveyed."""
    c.set_truth("missing_sources", "none", 200, "renews")
    c.missing = {"surveys", "contacts"}


def no_touchpoints(c: SampleCustomer, depth: float) -> None:
    """The CSM does not log anything."""
    c.set_truth("missing_sources", "none", 200, "renews")
    c.missing = {"touchpoints", "notes", "goals"}


def only_usage(c: SampleCustomer, depth: float) -> None:
    """A customer from an acquired product: usage and invoices only."""
    c.set_truth("missing_sources", "none", 200, "renews")
    c.missing = {"touchpoints", "notes", "goals", "surveys", "contacts", "tickets"}


def stale_survey(c: SampleCustomer, depth: float) -> None:
    """The last survey answer is older than a quarter."""
    c.set_truth("stale_survey", "none", 140, "renews")
    c.nps_days = 138


def onboarding(c: SampleCustomer, depth: float) -> None:
    """Just started; with depth the ramp does not come."""
    c.set_truth("onboarding", "none", 60, "renews")
    c.stage, c.nps_days = "onboarding", None
    c.use = LevelCurve(((70, 0.05), (0, 0.75 - 0.55 * depth)))
    c.goals = ("on_track", "behind") if depth else ("on_track",)
    if depth:
        c.set_truth("onboarding_slow", "value_gap", 50, "at risk in the first year")
        c.note(9, "Kick-off was eight weeks ago and the data import is still not done on their side.", 3)


def offboarding(c: SampleCustomer, depth: float) -> None:
    """Has given notice, runs until the end of the term."""
    c.set_truth("offboarding", "customer_side_change", 80, "ends at the end of the term")
    c.stage, c.use, c.bond, c.mood = "offboarding", falling_level(80, 0.3), falling_level(80, 0.4), constant_level(0.75)
    c.note(18, "Offboarding plan agreed with {champ}: data export in December, access until the end of the term.")


def former(c: SampleCustomer, depth: float) -> None:
    """Left months ago; still in the CRM."""
    days = c.ended
    c.set_truth("former", "value_gap", days + 90, f"churned on {ago(days).isoformat()}")
    c.stage, c.renewal = "offboarding", ago(days)
    c.use, c.mood, c.bond = (
        falling_level(days + 80, 0.2, 60),
        falling_level(days + 80, 0.4),
        falling_level(days + 80, 0.3),
    )
    c.outcome(days, "churned", -c.arr)


def paperwork(c: SampleCustomer, depth: float) -> None:
    """The renewal date has passed, the signature is only a matter of the customer's procurement."""
    c.set_truth("renewal_overdue_paperwork", "none", 18, "renews in December")
    c.note(6, "Verbal yes from {buyer}; the paper is with procurement, they need two more weeks.", 4)


def late_payer(c: SampleCustomer, depth: float) -> None:
    """Always pays two weeks late."""
    c.set_truth("late_payer", "none", 300, "renews")
    c.billing = LatestInvoice(9, "open")
