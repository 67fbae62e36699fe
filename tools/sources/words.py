"""Words that exports write for the choices of a column.

The choices themselves match in any case. Spaces and hyphens are written as underscores here.
"""

from domain.tables import Column


def _split_words(words: str) -> tuple[str, ...]:
    return tuple(words.split())


INVOICE_STATUSES = {
    "succeeded": "paid",
    "settled": "paid",
    "complete": "paid",
    "uncollectible": "failed",
    "past_due": "open",
    "overdue": "open",
    "unpaid": "open",
    "pending": "open",
    "outstanding": "open",
    "payment_failed": "failed",
    "declined": "failed",
    "draft": "void",
    "voided": "void",
    "cancelled": "void",
    "canceled": "void",
    "deleted": "void",
}
TICKET_PRIORITIES = {
    **dict.fromkeys(("p1", "1", "1_critical", "critical", "blocker", "highest", "emergency", "sev1"), "urgent"),
    **dict.fromkeys(("p2", "2", "2_high", "major", "important", "sev2"), "high"),
    **dict.fromkeys(
        ("p3", "3", "3_medium", "3_moderate", "medium", "moderate", "standard", "default", "sev3"), "normal"
    ),
    **dict.fromkeys(("p4", "p5", "4", "5", "4_low", "5_planning", "minor", "lowest", "trivial", "sev4"), "low"),
    "1_urgent": "urgent",
    "2_important": "high",
    "3_normal": "normal",
}
TICKET_STATUSES = {
    **dict.fromkeys(
        _split_words(
            "new pending hold on_hold waiting waiting_on_customer waiting_on_contact waiting_on_us in_progress working active"
            " assigned escalated reopened snoozed submitted acknowledged"
        ),
        "open",
    ),
    **dict.fromkeys(
        _split_words("solved resolved done completed cancelled canceled merged spam deleted archived"), "closed"
    ),
}
SYNONYMS: dict[tuple[str, str], dict[str, str]] = {
    ("accounts", "lifecycle_stage"): {
        "onboard": "onboarding",
        "implementation": "onboarding",
        "active": "live",
        "customer": "live",
        "adoption": "live",
        "churning": "offboarding",
        "cancelled": "offboarding",
    },
    ("people", "role"): {
        "customer_success_manager": "csm",
        "cs_lead": "cs_manager",
        "manager": "cs_manager",
        "customer_success_lead": "cs_manager",
        "executive_sponsor": "exec_sponsor",
        "executive": "exec_sponsor",
        "support": "support_lead",
        "support_manager": "support_lead",
        "product_manager": "product",
        "finance": "billing",
    },
    ("tickets", "priority"): TICKET_PRIORITIES,
    ("tickets", "status"): TICKET_STATUSES,
    ("invoices", "status"): INVOICE_STATUSES,
    ("surveys", "kind"): {"net_promoter_score": "nps", "customer_satisfaction": "csat"},
    ("contacts", "role"): {
        "economicbuyer": "economic_buyer",
        "decision_maker": "economic_buyer",
        "budget_holder": "economic_buyer",
        "executive_sponsor": "exec_sponsor",
        "end_user": "user",
    },
    ("contacts", "status"): {
        "left": "departed",
        "left_company": "departed",
        "inactive": "departed",
        "no_longer_with_company": "departed",
        "current": "active",
    },
    ("touchpoints", "kind"): {
        "executive_meeting": "exec_meeting",
        "ebr": "qbr",
        "quarterly_business_review": "qbr",
        "business_review": "qbr",
        "phone_call": "call",
        "phone": "call",
        "meeting": "call",
        "e_mail": "email",
        "workshop": "training",
    },
    ("goals", "status"): {"achieved": "met", "completed": "met", "at_risk": "behind", "off_track": "behind"},
    ("outcomes", "kind"): {
        "renewal": "renewed",
        "churn": "churned",
        "lost": "churned",
        "contraction": "contracted",
        "downgrade": "contracted",
        "downsell": "contracted",
        "expansion": "expanded",
        "upsell": "expanded",
    },
}


def choice_meanings(table: str, column: Column) -> dict[str, str]:
    """Every word that is understood in a choice column, in lower case with underscores, and the choice it means."""
    return {**SYNONYMS.get((table, column.name), {}), **{choice: choice for choice in column.choices}}


YES = ("true", "yes", "y", "t", "1", "1.0")
NO = ("false", "no", "n", "f", "0", "0.0")
GOOD_RATINGS = ("good", "satisfied", "good_with_comment", "goodwithcomment", "positive", "happy")
BAD_RATINGS = ("bad", "dissatisfied", "unsatisfied", "bad_with_comment", "badwithcomment", "negative", "unhappy")
NOT_ANSWERED = ("offered", "unoffered", "not_offered")

CURRENCY_CODES = _split_words(
    "aed ars aud bgn bhd bif brl cad chf clp cny cop crc czk djf dkk egp eur gbp gel gnf hkd huf idr ils inr isk jod"
    " jpy kes kmf krw kwd mad mga mxn myr ngn nok nzd omr pen php pkr pln pyg qar ron rsd rub rwf sar sek sgd thb tnd"
    " try twd uah ugx usd uyu vnd vuv xaf xof xpf zar"
)
NO_MINOR_UNIT = {
    "minor": _split_words("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
    "stripe": _split_words("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"),
}
"""By unit of mapping.yaml: currencies whose amounts are whole already. Stripe counts ISK and UGX in hundredths though they
have none, and MGA whole though it has fifths (https://docs.stripe.com/currencies, "special cases")."""
THOUSAND_MINOR_UNITS = _split_words("BHD JOD KWD OMR TND")
CURRENCY_SIGNS = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "₩": "KRW",
    "₺": "TRY",
    "₽": "RUB",
    "zł": "PLN",
    "kč": "CZK",
    "us$": "USD",
    "a$": "AUD",
    "au$": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "nz$": "NZD",
    "s$": "SGD",
    "hk$": "HKD",
}
DOLLARS = _split_words("USD AUD CAD NZD SGD HKD TWD MXN CLP BRL")
