"""Scripts of the customers: one line per special story, and the number of customers with each common story."""

from collections.abc import Callable
from dataclasses import dataclass

from evals.sample import stories as bad
from evals.sample import stories_mild as mild
from evals.sample import stories_weeks as week
from evals.sample.customer import SampleCustomer

Story = Callable[[SampleCustomer, float], None]


@dataclass(frozen=True)
class CustomerScript:
    """Script of a customer: story, depth and fixed facts. A fact that is None is drawn at random.

    ``renewal`` counts days after the last day with rows. ``csm`` is the digit of the CSM's id; 0 means no CSM.
    """

    story: Story
    depth: float = 1.0
    arr: int | None = None
    renewal: int | None = None
    csm: int | None = None
    odd: str = ""
    ended: int = 0
    daily: bool = False


CUSTOMER_SCRIPTS: tuple[CustomerScript, ...] = (
    CustomerScript(bad.champion_left, 1.0, 184_000, 75, 3),
    CustomerScript(bad.champion_left, 0.7, 46_500, 140, 1, daily=True),
    CustomerScript(bad.champion_left, 0.9, 61_200, 160, 2, odd="script"),
    CustomerScript(bad.champion_left, 0.8, 38_400, 45, 0),
    CustomerScript(bad.drift, 1.0, 128_000, 98, 3),
    CustomerScript(bad.drift, 0.8, 27_300, 60, 5),
    CustomerScript(bad.drift, 0.5, 52_800, 200, 6),
    CustomerScript(bad.service_with_injection, 1.0, 232_000, 110, 3),
    CustomerScript(bad.service_failure, 0.8, 88_000, 52, 4, daily=True),
    CustomerScript(bad.service_failure, 1.0, 41_600, -3, 3),
    CustomerScript(bad.value_doubt, 1.0, 156_000, 68, 3),
    CustomerScript(bad.value_doubt, 0.8, 74_000, 84, 7),
    CustomerScript(bad.value_doubt, 0.95, 33_900, 118, 5),
    CustomerScript(bad.product_gap, 0.9, 212_000, 88, 2),
    CustomerScript(bad.product_gap_audit, 1.0, 57_000, 150, 3),
    CustomerScript(bad.product_gap_arabic, 0.8, 24_600, 40, 8, odd="arabic"),
    CustomerScript(bad.competitor_great_usage, 1.0, 295_000, 120, 1),
    CustomerScript(bad.competitor, 1.0, 96_000, 62, 3),
    CustomerScript(bad.price_pressure, 1.0, 112_000, 78, 7, daily=True),
    CustomerScript(bad.price_pressure, 0.6, 29_500, 100, 8),
    CustomerScript(bad.renewal_stuck, 1.0, 64_800, -10, 4),
    CustomerScript(bad.payment_failed, 0.8, 36_000, 130, 2),
    CustomerScript(bad.payment_failed_happy, 1.0, 78_400, 170, 4),
    CustomerScript(bad.overdue, 0.8, 18_200, 66, 0),
    CustomerScript(bad.customer_change, 1.0, 405_000, 92, 3),
    CustomerScript(bad.customer_change, 0.7, 83_500, 145, 8),
    CustomerScript(bad.silent, 1.0, 22_400, 110, 5),
    CustomerScript(bad.silent, 0.7, 14_300, 210, 6, daily=True),
    CustomerScript(bad.feed_stopped, 1.0, 69_000, 125, 8),
    CustomerScript(bad.feed_stopped, 0.0, 31_000, 240, 9),
    CustomerScript(week.escalates, 1.0, 340_000, 200, 1),
    CustomerScript(week.payment_fails, 0.5, 54_600, 190, 7),
    CustomerScript(week.evaluates, 1.0, 66_300, 105, 6),
    CustomerScript(week.collapses, 1.0, 92_700, 165, 6, odd="formula", daily=True),
    CustomerScript(week.turns_detractor, 1.0, 44_100, 70, 9),
    CustomerScript(week.acquired, 1.0, 118_000, 155, 2),
    CustomerScript(week.recovering, 1.0, 76_200, 135, 4, daily=True),
    CustomerScript(week.recovering_service, 1.0, 143_000, 101, 1),
    CustomerScript(week.escalation_ages_out, 1.0, 103_000, 368, 7),
    CustomerScript(week.pays, 1.0, 35_700, 220, 2),
    CustomerScript(week.turns_promoter, 1.0, 58_000, 75, 8),
    CustomerScript(week.evaluation_over, 1.0, 26_400, 730, 6),
    CustomerScript(week.churns, 1.0, 48_900, 20, 4),
    CustomerScript(week.saved, 1.0, 167_000, 12, 7),
    CustomerScript(mild.paperwork, 0.0, 71_500, -18, 1),
    CustomerScript(mild.paperwork, 0.0, 19_400, -31, 6),
    CustomerScript(mild.seasonal_low, 0.0, 42_000, 150, 7),
    CustomerScript(mild.seasonal_low, 0.0, 15_800, 190, 6, odd="emoji"),
    CustomerScript(mild.seasonal_high, 0.0, 30_200, 260, 2),
    CustomerScript(mild.no_surveys_no_contacts, 0.0, 47_000, 95, 8),
    CustomerScript(mild.no_touchpoints, 0.0, 55_300, 130, 5),
    CustomerScript(mild.only_usage, 0.0, 23_700, 300, 0),
    CustomerScript(mild.onboarding, 0.0, 90_000, 325, 9),
    CustomerScript(mild.onboarding, 0.0, 12_500, 318, 9),
    CustomerScript(mild.onboarding, 1.0, 62_000, 306, 2),
    CustomerScript(mild.onboarding, 0.0, 33_000, 330, 7),
    CustomerScript(mild.offboarding, 1.0, 21_600, 39, 8),
    CustomerScript(mild.offboarding, 1.0, 9_800, 70, 0),
    CustomerScript(mild.lukewarm, 0.0, 280_000, 175, 2, odd="long"),
    CustomerScript(mild.release_hit, 0.0, 135_000, 115, 4, odd="quotes"),
    *(
        CustomerScript(mild.former, ended=days, arr=arr)
        for days, arr in ((74, 17_000), (121, 39_000), (165, 8_800), (203, 54_000), (256, 26_000), (310, 12_900))
    ),
    *(CustomerScript(mild.release_hit, daily=index == 0) for index in range(4)),
    *(CustomerScript(mild.stale_survey) for _ in range(4)),
    *(CustomerScript(mild.late_payer) for _ in range(3)),
    *(CustomerScript(mild.lukewarm, daily=index < 2) for index in range(9)),
    *(CustomerScript(mild.healthy, daily=index < 6) for index in range(54)),
)

EXPORT_SCRIPTS: tuple[CustomerScript, ...] = (
    CustomerScript(bad.service_with_injection, 1.0, 148_000, 64, 1),
    CustomerScript(bad.service_failure, 0.8, 52_500, 120, 2),
    CustomerScript(bad.champion_left, 1.0, 87_000, 41, 1),
    CustomerScript(bad.drift, 0.9, 39_000, 150, 3),
    CustomerScript(bad.competitor, 1.0, 66_000, 83, 2),
    CustomerScript(bad.payment_failed, 0.9, 28_500, 170, 1),
    CustomerScript(bad.payment_failed_happy, 1.0, 43_000, 200, 4),
    CustomerScript(bad.product_gap, 1.0, 119_000, 95, 3),
    CustomerScript(bad.silent, 1.0, 17_500, 110, 4),
    CustomerScript(bad.overdue, 0.8, 12_400, 75, 2),
    CustomerScript(week.escalates, 1.0, 210_000, 132, 4),
    CustomerScript(week.turns_detractor, 1.0, 35_800, 58, 3),
    CustomerScript(mild.seasonal_low, 0.0, 24_000, 180, 1),
    *(CustomerScript(mild.release_hit) for _ in range(2)),
    *(CustomerScript(mild.lukewarm) for _ in range(4)),
    *(CustomerScript(mild.healthy) for _ in range(21)),
)
