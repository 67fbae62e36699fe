"""Salesforce files: accounts, opportunities, contacts, users and events."""

import random
from collections.abc import Sequence
from datetime import date, timedelta

from evals.sample.customer import Row
from evals.sample.dates import LAST_DAY
from evals.sample.salesforce import long_id, short_id

_STAGES = {"live": "Customer", "onboarding": "Customer - Onboarding", "offboarding": "Customer - Leaving"}
_ROLES = {
    "csm": "Customer Success Manager",
    "cs_manager": "CS Team Lead",
    "exec_sponsor": "Executive",
    "support_lead": "Support Lead",
    "product": "Product Manager",
    "billing": "Finance",
}
_KINDS = {
    "exec_meeting": "Executive Meeting",
    "qbr": "QBR",
    "call": "Call",
    "email": "Email",
    "training": "Training",
}
_CONTACT_ROLES = {"champion": "Champion", "economic_buyer": "Economic Buyer", "exec_sponsor": "Sponsor", "user": "User"}
_SPELLINGS = {"Kruger": "Krüger", "Wojcik": "Wójcik", "Ines ": "Inès ", "Hofmann": "Höfmann", "Moreau": "Moréau"}


def format_euros(amount: float) -> str:
    """An amount in German notation: 82.500,00."""
    return f"{amount:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def account_file(accounts: Sequence[Row], rng: random.Random, seed: int) -> list[Row]:
    """Account.csv: long ids; AnnualRevenue is the customer's own revenue, ARR__c the amount that it pays us."""
    return [
        {
            "Id": long_id(short_id("001", row["account_id"], seed)),
            "Name": row["name"],
            "Type": _STAGES[row["lifecycle_stage"]],
            "Industry": rng.choice(["Transportation", "Healthcare", "Retail", "Utilities", "Technology", ""]),
            "AnnualRevenue": str(int(row["arr"]) * rng.randint(150, 4000)),
            "ARR__c": format_euros(float(row["arr"])),
            "Segment__c": row["segment"],
            "OwnerId": long_id(short_id("005", row["csm_id"], seed)),
            "Executive_Sponsor__c": short_id("005", row["exec_sponsor_id"], seed),
            "ParentId": long_id(short_id("001", row["parent_account_id"], seed)),
            "Customer_Since__c": row["started_on"],
            "Seats__c": row["seats"],
            "LastActivityDate": str(LAST_DAY - timedelta(rng.randint(0, 3))),
            "LastModifiedDate": f"{LAST_DAY}T02:00:{rng.randint(10, 59)}.000+0000",
        }
        for row in accounts
    ]


def opportunity_file(accounts: Sequence[Row], rng: random.Random, seed: int) -> list[Row]:
    """Opportunity.csv: several per account, short account ids; only the open renewal has the next renewal date."""
    rows = []
    for row in accounts:
        arr = float(row["arr"])
        deals = [("New Business", "Closed Won", row["started_on"], arr * 0.7)]
        if row["renewal_date"]:
            due = date.fromisoformat(row["renewal_date"])
            deals.append(("Renewal", "Negotiation" if (due - LAST_DAY).days < 90 else "Planned", str(due), arr))
            if due.year - int(row["started_on"][:4]) > 1:
                deals.append(("Renewal", "Closed Won", str(due - timedelta(365)), arr * 0.95))
        if rng.random() < 0.4:
            deals.append(("Upsell", "Proposal", str(LAST_DAY + timedelta(rng.randint(5, 60))), arr * 0.2))
        if rng.random() < 0.2:
            deals.append(("Upsell", "Closed Lost", str(LAST_DAY - timedelta(rng.randint(60, 300))), arr * 0.3))
        rng.shuffle(deals)
        rows += [_deal(row, deal, number, seed) for number, deal in enumerate(deals)]
    return rows


def _deal(account: Row, deal: tuple[str, str, str, float], number: int, seed: int) -> Row:
    kind, stage, day, amount = deal
    return {
        "Id": long_id(short_id("006", f"{account['account_id']}/{number}", seed)),
        "AccountId": short_id("001", account["account_id"], seed),
        "Name": f"{account['name']} - {kind} {day[:4]}",
        "Type": kind,
        "StageName": stage,
        "Amount": format_euros(amount),
        "CloseDate": f"{day[8:]}/{day[5:7]}/{day[:4]}",
        "IsClosed": "1" if stage.startswith("Closed") else "0",
        "IsWon": "1" if stage == "Closed Won" else "0",
    }


def contact_file(contacts: Sequence[Row], seed: int) -> list[Row]:
    """Contact.csv, to be written in Latin-1."""
    rows = []
    for row in contacts:
        name = row["name"]
        for plain, accented in _SPELLINGS.items():
            name = name.replace(plain, accented)
        rows.append(
            {
                "Id": long_id(short_id("003", row["contact_id"], seed)),
                "AccountId": long_id(short_id("001", row["account_id"], seed)),
                "Name": name,
                "Title": row["title"].replace("Managing Director", "Geschäftsführung"),
                "Role__c": _CONTACT_ROLES[row["role"]],
                "Status__c": "Left company" if row["status"] == "departed" else "Active",
                "Left_On__c": row["departed_on"],
                "Email": row["email"],
            }
        )
    return rows


def user_file(people: Sequence[Row], seed: int) -> list[Row]:
    """User.csv: our people."""
    return [
        {
            "Id": long_id(short_id("005", row["person_id"], seed)),
            "Name": row["name"],
            "Email": row["email"].replace("tallyfold", "tallyfold-north"),
            "UserRole": _ROLES[row["role"]],
            "ManagerId": short_id("005", row["manager_id"], seed),
            "Weekly_Hours__c": row["weekly_hours"],
        }
        for row in people
    ]


def event_file(touchpoints: Sequence[Row], seed: int) -> list[Row]:
    """Event.csv: meetings, calls and mails, short account ids."""
    yes_no = {"true": "Yes", "false": "No", "": ""}
    return [
        {
            "AccountId": short_id("001", row["account_id"], seed),
            "WhoId": long_id(short_id("003", row["contact_id"], seed)),
            "OwnerId": long_id(short_id("005", row["person_id"], seed)),
            "ActivityDate": row["date"],
            "Type": _KINDS[row["kind"]],
            "Outbound__c": yes_no[row["outbound"]],
            "Attended__c": yes_no[row["attended"]],
            "Responded_On__c": row["responded_at"],
        }
        for row in touchpoints
    ]
