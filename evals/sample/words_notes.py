"""Ordinary notes of CSMs, by the mood of the customer.

Some sentences mention competitors or leaving only to deny it: a filter on phrases misreads them, a person does not.
"""

GOOD = [
    "Monthly call with {champ}: the dunning workflow now runs without manual checks.",
    "{champ} showed us their new dashboard, the finance team opens it every morning.",
    "Good energy today, they want to bring the Lisbon office on board in spring.",
    "Walked through the roadmap with {buyer}; most interested in scheduled exports.",
    "They closed the month two days earlier than last year and credit the approval flow.",
    "Training for six new colleagues went well, everybody finished the exercise.",
    "{champ} answered all open points by mail within an hour, as always.",
    "Asked for a reference call for a prospect, {champ} agreed straight away.",
    "Adoption of the mobile approvals is picking up since the field team got tablets.",
    "Short call. Nothing open from their side, next check-in in two weeks.",
    "{buyer} joined for ten minutes and thanked the support team for the quick fix last month.",
    "They would like to speak at our user day. Passed on to marketing.",
    "Reviewed goals for the half-year, all three on plan.",
    "Set up the new legal entity together, went live without a hitch.",
    "Their admin built four automations alone, no help needed.",
    "Talked about renewal timing, {buyer} expects to sign as usual.",
    "Shared the usage report; {champ} forwarded it to the board.",
    "Very friendly conversation, mostly about the upcoming audit and how they prepare it with our logs.",
    "New colleague in accounts receivable introduced, already logs in daily.",
    "They asked for two more seats for the shared service centre.",
    "Success plan updated together. Next milestone: automatic credit notes.",
    "{champ} is on parental leave from next month; handover to {user} is already happening.",
    "QBR preparation done, slides sent, {champ} added two slides.",
    "Invoice approvals down from nine days to four since spring.",
    "Small question about permissions, solved in the call.",
    "The integration with their warehouse system is stable, no errors in weeks.",
    "They moved the weekly meeting to fortnightly because things simply run.",
    "Sent the release notes, {champ} had already read them.",
    "Pilot in the Danish branch finished, they keep going with 20 people.",
    "Month-end went through without a single manual posting, {champ} sent a screenshot with a heart.",
    "Talked about permissions for interns; {user} will test it this week.",
    "They want to be beta testers for the new ageing report.",
    "{buyer} asked about multi-year terms, passed on to sales operations.",
    "{user} found a shortcut I did not know, added it to our tips page.",
    "Everything calm. {champ} has time again after the audit.",
    "Reviewed the automation rate together: 71 % of invoices untouched, goal was 65 %.",
    "They have hired a second administrator, so {champ} is no longer the only one.",
    "Checked how the 5.2 update went: no problems on their side.",
    "Annual survey of their users: we are the second most liked tool in the house.",
    "{champ} asked for the slide on savings, needs it for the budget round, and expects an easy one.",
    "Nice detail: their apprentices learn the approval process in our sandbox.",
    "Had lunch with {champ} in their new office. Relaxed, happy with the team.",
]

DENIALS = [
    "They are not looking at alternatives, renewal talk went fine.",
    "Asked directly: no plans to switch, no other vendor in the picture.",
    "{champ} joked that Corvane's conference has better coffee, but that nobody would want their software.",
    "Budget for next year is confirmed, no cuts on their software line.",
    "{buyer} mentioned that a friend's company is moving away from Ledgerbird to us.",
    "No complaints about the price this year, the discussion from last autumn is settled.",
    "The rumour about a merger is just a rumour according to {buyer}; nothing changes for us.",
    "They migrated from Corvane three years ago and still tell the story at every dinner.",
    "The reorganisation in their sales department does not touch our users.",
    "Cancelled Thursday's call because of a public holiday, moved to Monday.",
]

CHAT_OPENINGS = [
    "fyi from the corridor: ",
    "quick one before the stand-up: ",
    "@here short update: ",
    "(copied from chat) ",
    "for the record - ",
]

MIXED = [
    "{user} says that the help pages are outdated in two places.",
    "They skipped the last fortnightly call, answered by mail instead.",
    "Discussed open wishes for an hour; most are small, two need product.",
    "Holiday season and two sick colleagues, little progress on the roll-out.",
    "Call was short, {champ} had little time. Picks it up again next week.",
    "Usage of reporting is lower than planned, two teams still work with spreadsheets.",
    "{champ} would like faster answers on small tickets, nothing dramatic.",
    "One goal slips by a month because their IT is busy with another project.",
    "Second reminder for the workshop date, answer came today.",
    "A bit quiet since the summer. I would like to see {buyer} again before the quarter ends.",
    "They understand the value of the core workflow, less so of the add-on.",
    "Sync errors after 5.2 annoyed them for some days, fixed now, they stayed polite.",
    "Their new controller asks many questions, good ones. Needs some care.",
    "Attendance at training was half of what we planned.",
    "We owe them an answer about the export format, promised for this week.",
    "Mixed impressions: the operations people are content, finance less so.",
]

BAD = [
    "Third time the call was moved. I do not really know where we stand.",
    "{champ} was short with me today, frustration is noticeable.",
    "Hard to get hold of anyone, two mails without an answer.",
    "The mood in the call was cool, no small talk, straight to the complaints.",
    "They do not see progress on the points from the last review.",
    "Several teams have gone back to their spreadsheets.",
    "I am worried about this one, we have lost our rhythm.",
    "Only one person joined the call, camera off, few words.",
    "We promised a plan two weeks ago and they reminded us of it.",
    "The workshop was cancelled on the day itself, no new date.",
]

COMMENTS_GOOD = [
    "Does what it should.",
    "Saves us a lot of manual work every month.",
    "Support answers fast and knows the product.",
    "Approvals on the phone are great.",
    "Reliable partner for years.",
    "",
    "",
    "Reporting could be prettier, the rest is excellent.",
    "Our month end is two days shorter.",
]
COMMENTS_FAIR = [
    "Okay overall.",
    "Good core, some rough edges.",
    "",
    "Support quality varies.",
    "Too many clicks for simple things.",
]
COMMENTS_BAD = [
    "Too many unresolved issues.",
    "We expected more after two years.",
    "",
    "Nobody seems to feel responsible for us.",
    "Hard to explain internally why we pay for this.",
]
GOALS = [
    "Shorten month-end close to five days",
    "Automate 80 % of approval steps",
    "Connect the ERP of all subsidiaries",
    "Reduce overdue receivables by a quarter",
    "Roll out mobile approvals to field teams",
    "Replace the manual credit-note process",
    "Give auditors read-only access by year end",
    "Train one administrator per country",
    "Invoice delivery within one day of shipment",
]
