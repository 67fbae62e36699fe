"""Stories that turn between the two reviews of 16 and 23 November 2026: new risks, resolved ones, saves and losses."""

from evals.sample import words_stories as words
from evals.sample.customer import LatestInvoice, LevelCurve, SampleCustomer, falling_level
from evals.sample.words_tickets import CANCEL, RELEASE, SERVICE


def escalates(c: SampleCustomer, depth: float) -> None:
    """Escalation on 18 November after three weeks of sync errors."""
    c.set_truth("new_escalation", "service_failure", 20, "saved by a fast fix")
    c.care, c.mood = falling_level(20, 1 - 0.7 * depth, 16), falling_level(10, 1 - 0.5 * depth, 8)
    c.ticket(16, RELEASE[1], priority="normal", closed=12, csat=3)
    c.ticket(9, RELEASE[4], priority="high", breached=True)
    c.ticket(4, SERVICE[2], priority="urgent", escalated=True, breached=True)
    c.note(3, words.SERVICE[0], 2)


def payment_fails(c: SampleCustomer, depth: float) -> None:
    """Debit due on 19 November fails."""
    c.set_truth("new_payment_failed", "commercial_friction", 3, "pays in December, renews")
    c.billing = LatestInvoice(3, "failed")
    c.use = falling_level(30, 1 - 0.3 * depth)


def evaluates(c: SampleCustomer, depth: float) -> None:
    """On 20 November they say that they compare vendors."""
    c.set_truth("new_evaluation", "competitive_displacement", 35, "churns unless an executive calls this year")
    c.mood, c.bond = falling_level(30, 1 - 0.4 * depth), falling_level(30, 1 - 0.4 * depth)
    c.note(2, words.COMPETITOR[0], 2)


def collapses(c: SampleCustomer, depth: float) -> None:
    """Usage collapses in the last ten days."""
    c.set_truth("new_usage_collapse", "value_gap", 12, "churns: the team went back to spreadsheets")
    c.use = LevelCurve(((17, 1.0), (13, 0.6), (7, 0.4), (5, 0.05), (0, 0.02), (-60, 0.02)))
    c.mood = falling_level(12, 1 - 0.3 * depth, 10)


def turns_detractor(c: SampleCustomer, depth: float) -> None:
    """Answers 3 on 18 November with the renewal ten weeks away."""
    c.set_truth("new_detractor", "value_gap", 40, "renews after the promises are kept")
    c.mood, c.nps_days = falling_level(8, 1 - 0.5 * depth, 8), None
    c.survey(130, 8, "Good start.")
    c.survey(4, 3, words.DETRACTOR[0])


def acquired(c: SampleCustomer, depth: float) -> None:
    """Champion leaves on the 17th, the acquisition is announced on the 19th."""
    c.set_truth("new_acquisition", "customer_side_change", 12, "renews smaller under the new owner")
    c.contact_leaves("champion", 5)
    c.contact_leaves("exec_sponsor", 6)
    c.bond, c.mood, c.use = (
        falling_level(10, 1 - 0.6 * depth, 8),
        falling_level(10, 1 - 0.5 * depth, 8),
        falling_level(12, 1 - 0.3 * depth, 12),
    )
    c.exec_days = 94
    c.note(3, words.CHANGE[0], 2)


def recovering(c: SampleCustomer, depth: float) -> None:
    """Bad in the first review, clearly better in the second."""
    c.set_truth("recovering", "relationship_erosion", 70, "renews")
    c.use = LevelCurve(((70, 1.0), (42, 0.45), (12, 0.45), (5, 0.9), (-60, 0.95)))
    c.mood, c.bond = (
        LevelCurve(((60, 1.0), (30, 0.5), (9, 0.5), (4, 0.9), (-60, 0.95))),
        LevelCurve(((60, 1.0), (9, 0.4), (4, 1.0))),
    )
    c.exec_days = 4
    c.note(20, words.DRIFT[0], 2)
    c.note(5, words.RECOVERY[1], 4)
    c.note(2, words.RECOVERY[2], 4)


def recovering_service(c: SampleCustomer, depth: float) -> None:
    """The escalation is closed, the fix is live, the figures climb again."""
    c.set_truth("recovering", "service_failure", 55, "renews after the fix")
    c.care, c.mood = (
        LevelCurve(((50, 1.0), (35, 0.2), (7, 0.3), (0, 0.95))),
        LevelCurve(((50, 1.0), (30, 0.4), (7, 0.5), (0, 0.95))),
    )
    c.use = LevelCurve(((45, 1.0), (28, 0.55), (12, 0.6), (4, 0.95), (-60, 0.95)))
    c.ticket(33, RELEASE[3], priority="high", breached=True, closed=5, csat=4)
    c.ticket(28, SERVICE[1], priority="urgent", escalated=True, breached=True, closed=5, csat=4)
    c.exec_days = 3
    c.note(18, words.SERVICE[2], 2)
    c.note(3, words.RECOVERY[0], 4)


def escalation_ages_out(c: SampleCustomer, depth: float) -> None:
    """An escalation of 20 August, solved long ago; renewed on 19 November."""
    c.set_truth("resolved_escalation", "none", 94, "renewed")
    c.ticket(94, SERVICE[3], priority="urgent", escalated=True, breached=True, closed=88, csat=4)
    c.outcome(3, "renewed")


def pays(c: SampleCustomer, depth: float) -> None:
    """The invoice due on 10 September is paid on 18 November."""
    c.set_truth("resolved_payment", "none", 73, "renews")
    c.billing = LatestInvoice(73, "paid", 4)


def turns_promoter(c: SampleCustomer, depth: float) -> None:
    """Detractor of 20 August answers 9 on 19 November."""
    c.set_truth("resolved_detractor", "none", 94, "renews")
    c.nps_days = None
    c.survey(94, 4, "Onboarding of the second site was a mess.")
    c.survey(3, 9, "The second site runs, thank you for the extra week.")


def evaluation_over(c: SampleCustomer, depth: float) -> None:
    """They compared vendors in August, decided for us and renewed on 20 November."""
    c.set_truth("resolved_evaluation", "none", 93, "renewed")
    c.note(93, words.COMPETITOR[2], 3)
    c.note(2, "Renewed for two years. {buyer} says the comparison in summer made it an easy decision.", 5)
    c.outcome(2, "renewed", round(0.05 * c.arr))


def churns(c: SampleCustomer, depth: float) -> None:
    """Lost to Corvane: gave notice on 18 November."""
    c.set_truth("churned_between", "competitive_displacement", 80, "churned on 2026-11-18")
    c.use, c.bond, c.mood = falling_level(70, 0.4), falling_level(70, 0.3), falling_level(70, 0.35)
    c.exec_days = 140
    c.note(31, words.COMPETITOR[0], 2)
    c.note(11, words.COMPETITOR[3], 1)
    c.ticket(9, CANCEL, priority="normal", closed=8)
    c.note(4, "{buyer} called: they have signed with Corvane. Polite, but the decision is final.", 1)
    c.outcome(4, "churned", -c.arr)


def saved(c: SampleCustomer, depth: float) -> None:
    """Value doubts since summer, business case presented, renewed on 20 November."""
    c.set_truth("saved_between", "value_gap", 95, "renewed on 2026-11-20")
    c.use, c.mood = (
        LevelCurve(((120, 1.0), (50, 0.6), (14, 0.62), (0, 0.8))),
        LevelCurve(((95, 1.0), (60, 0.4), (12, 0.5), (2, 0.95))),
    )
    c.goals, c.exec_days, c.nps_days = ("behind", "met"), 5, None
    c.survey(72, 6, "Good software, unclear benefit.")
    c.survey(2, 9, "Finally we know what we save.")
    c.note(36, words.VALUE[0], 2)
    c.note(9, words.SAVED[0], 3)
    c.note(2, words.SAVED[1], 5)
    c.outcome(2, "renewed")
