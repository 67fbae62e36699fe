"""All assumptions of the simulated world, each with its meaning, its unit and why it is plausible.

The numbers come from typical subscription businesses. They are independent of the product's configuration on purpose: a
world built from the scoring rules would only confirm them.
"""

from typing import NamedTuple

KINDS = (
    "champion_leaves",
    "product_gap",
    "service_failure",
    "value_doubt",
    "price_pressure",
    "competitor",
    "reorganisation",
)

# --- The base ---------------------------------------------------------------------------------------------------------
ARR_MEDIAN = 40_000.0  # EUR a year; a mid-market vendor, half of the customers pay less
ARR_SIGMA = 1.0  # log-normal spread; the top tenth then pays about half of all the revenue
ARR_LEAST, ARR_MOST = 8_000.0, 600_000.0  # EUR a year; smaller accounts do not get a CSM, larger ones are rare
SEGMENTS = (("Enterprise", 100_000.0), ("Mid-market", 20_000.0), ("SMB", 0.0))  # EUR a year, from this ARR on
SEAT_PRICE = (350.0, 900.0)  # EUR a seat and year, per account; large spread because of discounts
NEW_CUSTOMERS = 0.10  # share of the accounts that only start during the world; about 7 % growth a year
AGE_YEARS = (1, 7)  # whole years an older account has been a customer when the world begins
ONBOARDING_WEEKS = 12  # weeks after the start in which an account counts as onboarding
NO_CSM = 0.03  # share of accounts without a CSM: a portfolio is never fully assigned
SPONSORED = 0.7  # share of Enterprise accounts with an executive sponsor of ours
RENEWAL_UNKNOWN = 0.02  # share of accounts whose renewal date nobody typed into the CRM
CHURNED_STAYS_DAYS = 56  # days for which a lost account stays in the export (eight weeks)
SEASONAL = 0.08  # share of accounts whose business has a yearly wave
SEASON_DEPTH = (0.2, 0.4)  # how far use falls in the low season, share

# Share of accounts for which a source was never connected or is not kept.
MISSING = {
    "usage": 0.10,  # on-premise or no telemetry agreed
    "tickets": 0.04,  # support runs through a partner
    "invoices": 0.06,  # billed by a reseller
    "surveys": 0.18,  # opted out of surveys
    "contacts": 0.03,  # CRM never filled in
    "touchpoints": 0.04,  # CSM does not log
    "goals": 0.25,  # no success plan written
    "notes": 0.06,  # CSM writes no notes
}
NO_CHAMPION = 0.12  # share of accounts in which nobody is marked as the champion

# --- Hidden conditions ------------------------------------------------------------------------------------------------
CONDITION_SHARE = 0.36  # share of accounts that get a condition, incl. those that leave before it would begin
SECOND_CONDITION = 0.15  # share of these that later get another one; trouble attracts trouble
SECOND_AFTER_WEEKS = (8, 40)  # weeks from the first condition to the second
WARM_UP_WEEKS = 24  # weeks before the world in which conditions may already have begun, so that week 1 is not all calm
FIRST_WEEKS_CALM = 6  # weeks after the start of a customer without a condition: the honeymoon

# How common each kind is, share of all conditions; people and value are commoner than money and rivals.
KIND_SHARE = {
    "champion_leaves": 0.20,
    "product_gap": 0.16,
    "service_failure": 0.16,
    "value_doubt": 0.18,
    "price_pressure": 0.10,
    "competitor": 0.10,
    "reorganisation": 0.10,
}
# Weeks from the beginning to full strength: an outage is quick, a doubt grows slowly.
RAMP_WEEKS = {
    "champion_leaves": 6,
    "product_gap": 14,
    "service_failure": 4,
    "value_doubt": 12,
    "price_pressure": 5,
    "competitor": 8,
    "reorganisation": 6,
}
SEVERITY_SHAPE = (2.2, 1.6)  # beta distribution; most conditions are moderate, some are severe
SEVERITY_RANGE = (0.25, 1.0)  # range of the severity; below 0.25 nobody would call it a condition
INVISIBLE = 0.10  # share of conditions that the customer keeps to itself
HEALS = 0.30  # share of conditions that go away without anybody's help and soon: false alarms
HEALS_AFTER_WEEKS = (6, 22)  # weeks until these false alarms end
LASTS_WEEKS = (36, 90)  # weeks until all other conditions end, if the account is still there
FADE_WEEKS = 6  # weeks the signals need to come back to normal after the end

# --- Churn ------------------------------------------------------------------------------------------------------------
DECISION_WEEKS = 8  # weeks before a renewal in which most decisions fall: notice periods are one to three months
HAZARD_DECISION = 0.26  # probability per week at severity 1 and full age, within the decision weeks
HAZARD_ELSEWHERE = 0.006  # the same outside the decision weeks: contracts bind, few leave in mid-term
HAZARD_YOUNG = 0.25  # share of the full hazard at the very beginning of a condition
HAZARD_GROWS_WEEKS = 14  # weeks until the hazard is full; patience lasts about a quarter
BASE_DECISION = 0.0006  # probability per week without any condition, in the decision weeks: insolvency, closure
BASE_ELSEWHERE = 0.00003  # the same outside the decision weeks

# --- What a play does -------------------------------------------------------------------------------------------------
PLAY_STARTS_DAYS = 14  # days until the customer feels a play
PLAY_LASTS_WEEKS = 26  # weeks for which a play is felt
PLAY_RIGHT = 0.35  # factor on the hazard of the condition that the play is made for
PLAY_WRONG = 0.92  # factor when the play is made for another condition: a little goodwill
PLAY_GENERAL = 0.75  # factor of attention without a diagnosis
PLAY_CURES = 0.5  # probability, drawn once per condition, that the right play ends it
PLAY_CURES_AFTER_WEEKS = 6  # weeks from the first effect to that end


# --- Visibility of conditions -----------------------------------------------------------------------------------------
class LevelEffect(NamedTuple):
    """Fall of a hidden level at severity 1 and full strength (share), and the delay before it starts (weeks)."""

    depth: float
    delay: int


# Hidden levels are 1 when all is well: use (how many work with it), core (how much of the core work they do in it),
# bond (do they answer and attend), mood (what they think of us), care (how support goes), pay (invoices on time),
# plan (do goals keep on track). Two kinds seldom touch the same levels in the same way, but they overlap.
EFFECTS: dict[str, dict[str, LevelEffect]] = {
    "champion_leaves": {
        "use": LevelEffect(0.40, 4),
        "bond": LevelEffect(0.65, 0),
        "mood": LevelEffect(0.15, 4),
        "plan": LevelEffect(0.25, 6),
    },
    "product_gap": {
        "use": LevelEffect(0.20, 6),
        "core": LevelEffect(0.50, 3),
        "mood": LevelEffect(0.40, 2),
        "plan": LevelEffect(0.25, 4),
    },
    "service_failure": {
        "care": LevelEffect(0.80, 0),
        "mood": LevelEffect(0.60, 2),
        "use": LevelEffect(0.20, 6),
        "bond": LevelEffect(0.10, 4),
    },
    "value_doubt": {
        "use": LevelEffect(0.40, 0),
        "mood": LevelEffect(0.40, 2),
        "plan": LevelEffect(0.70, 0),
        "bond": LevelEffect(0.15, 4),
    },
    "price_pressure": {"pay": LevelEffect(0.75, 2), "mood": LevelEffect(0.20, 2), "bond": LevelEffect(0.15, 2)},
    "competitor": {"bond": LevelEffect(0.45, 1), "mood": LevelEffect(0.25, 2), "use": LevelEffect(0.15, 8)},
    "reorganisation": {
        "bond": LevelEffect(0.35, 1),
        "mood": LevelEffect(0.10, 3),
        "use": LevelEffect(0.15, 5),
        "plan": LevelEffect(0.20, 3),
    },
}
LEVELS = ("use", "core", "bond", "mood", "care", "pay", "plan")
CHANNELS = (*LEVELS, "words", "gap_tickets", "departure")
MUTE = 0.25  # share of condition and channel pairs in which this channel shows nothing: signals are partly missing
LOUDNESS = (0.5, 1.15)  # factor on the strength with which the other channels show it
INVISIBLE_TRACE = 0.1  # factor on the levels of an invisible condition; it has no words, departures or tickets
WORDS_DELAY_WEEKS = 2  # weeks until somebody writes about a condition
# Chance that a note or a survey comment written at severity 1 and full strength speaks of the condition.
WORDS_CHANCE = {
    "champion_leaves": 0.50,
    "product_gap": 0.60,
    "service_failure": 0.60,
    "value_doubt": 0.55,
    "price_pressure": 0.65,
    "competitor": 0.55,
    "reorganisation": 0.55,
}
GAP_TICKETS = 0.16  # tickets a week about the missing capability, at severity 1 and full strength
LEFT_AFTER_DAYS = (0, 10)  # days from the beginning of champion_leaves to her last day
REORG_LEFT_AFTER_DAYS = (0, 42)  # days from the beginning of a reorganisation to the departure of a sponsor or buyer
RECORDED_AFTER_DAYS = (7, 35)  # days until somebody records a departure in the CRM
RECORDED = 0.85  # share of departures that are ever recorded

# --- Noise that looks bad and means nothing ---------------------------------------------------------------------------
RELEASE_EVERY_WEEKS = 13  # weeks between releases of our product
RELEASE_STORM = 0.05  # share of accounts that get a storm of tickets after one release
STORM_TICKETS = (3, 6)  # tickets in a storm
STORM_DAYS = 14  # days over which they come
STORM_BREACHED, STORM_ESCALATED = 0.25, 0.10  # share of them that breach the promised time, that are escalated
QUIET_SPELLS = 0.35  # per year and account: leave, audits, year-end; nobody answers for some weeks
QUIET_WEEKS = (3, 5)  # weeks without answers
QUIET_BOND = 0.4  # factor on the bond in these weeks
HOLIDAY_USE, AUGUST_USE = 0.55, 0.90  # factor on use around New Year, and in August
ROLE_CHANGE = 0.10  # per year and account: the champion takes another job in the same company and hands over
ROLE_CHANGE_AS_LEFT = 0.5  # share of these that the CRM shows as a departure
TURNOVER = 0.07  # per year and contact who is not the champion: people change jobs
MISLEADING = 0.04  # share of ordinary notes that mention rivals, prices or mergers in passing
LATE_PAPERWORK = 0.06  # share of invoices paid late because of a purchase order or an absent approver
GRUMPY = 0.05  # share of survey answers that are low for a random reason
FEED_GAP = 0.08  # share of accounts whose usage feed stops once
FEED_GAP_WEEKS = (2, 5)  # weeks without the usage feed

# --- Tables -----------------------------------------------------------------------------------------------------------
SEATS_IN_USE = (0.50, 0.92)  # share of the seats active in a normal week, per account
LOGINS_EACH = (3.0, 8.0)  # logins a week and active user, per account
CORE_EACH = (1.5, 4.0)  # core actions a login, per account
FEATURES = (5, 14)  # distinct features in use, per account
GROWTH = (-0.08, 0.15)  # change of use in a year at a healthy account, share
USE_DRIFT = (0.85, 0.03)  # weekly memory and weekly shock of the slow random drift of use
USE_NOISE = 0.04  # weekly noise of every figure, share
ROW_LOST = 0.02  # share of weekly usage rows that get lost

TICKETS_LEAST, TICKETS_A_SEAT, TICKETS_MOST = 0.03, 0.0008, 0.35  # tickets a week: at least, per seat, at most
TICKETS_MORE = 3.5  # factor on the number of tickets when care is at 0
TICKET_DAYS = (2.0, 14.0)  # mean days until a ticket is closed, when care is at 1 and at 0
BREACHED = (0.03, 0.55)  # share of tickets over the promised time, good and bad ones
ESCALATED = (0.01, 0.30)  # share of tickets escalated, good and bad ones
CSAT_GIVEN = 0.5  # share of closed tickets with a rating

QUARTERLY_FROM = 12_000.0  # EUR a year; smaller customers pay once a year
PAID_DAYS = (-8, 10)  # days from the due date to payment, when it is on time
LATE_DAYS = (16, 60)  # days from the due date to payment, when it is late
PAYMENT_FAILED = 0.01  # share of invoices whose first collection fails and is repeated a week or two later

SURVEY_EVERY_DAYS = (84, 112)  # days between two surveys
SURVEY_ANSWERED = 0.6  # share that is answered when the bond is at 1
NPS_WORST, NPS_BEST = 2.0, 8.8  # mean score when mood is at 0 and at 1
NPS_PERSON, NPS_NOISE = 0.6, 1.2  # spread between accounts, and between answers
CSAT_SURVEYS = 0.2  # share of surveys that ask for satisfaction (1 to 5) in place of the NPS
COMMENTED = 0.5  # share of answers with a comment

TOUCH_EVERY_DAYS = {"Enterprise": 8, "Mid-market": 12, "SMB": 24}  # mean days between two touchpoints
EXEC_EVERY_DAYS = (80, 100)  # days between two business reviews (not for SMB)
ANSWERED = 0.93  # share of our mails that are answered when the bond is at 1
ATTENDED = 0.95  # share of meetings they come to when the bond is at 1
ANSWER_DAYS = (0.8, 6.0)  # mean days until the answer, when the bond is at 1 and at 0

NOTE_EVERY_DAYS = (12, 28)  # days between two notes
PULSE_WORST, PULSE_BEST = 1.4, 4.3  # mean pulse a CSM gives when mood and bond are at 0 and at 1
PULSE_NOISE = 0.6  # spread of the pulse
PULSE_GIVEN = 0.85  # share of notes with a pulse

GOALS_AT_ONCE = (1, 3)  # goals in a success plan
GOAL_DAYS = (120, 210)  # days from writing a goal down to its due date
GOAL_CHECK_DAYS = 28  # days between two looks at a goal
BEHIND = (0.03, 0.50)  # chance at each look that a goal falls behind, when plan is at 1 and at 0
CATCHES_UP = 0.3  # share of goals that were behind and are met in the end
GOAL_JUDGED_DAYS = (5, 25)  # days after the due date until somebody records met or missed

EXPANDS, CONTRACTS = 0.15, 0.03  # share of renewals of healthy accounts with growth, with a reduction
CONTRACTS_TROUBLED = 0.45  # share of renewals that shrink at severity 1 and full strength
EXPANSION, CONTRACTION = (0.05, 0.25), (0.10, 0.30)  # change of the ARR, share
