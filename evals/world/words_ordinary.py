"""Texts of ordinary days, a few that sound like trouble and are none, and the goals of success plans."""

NOTES = (
    "Monthly call with {who}. Two small questions about permissions, both answered on the spot.",
    "Sent the recording of last week's training to {who}.",
    "{who} is on holiday until the 14th, we skip one check-in.",
    "Walked {who} through the new filter. She liked it, he did not care, the usual.",
    "Quick sync before their audit season. They have what they need.",
    "They are onboarding three new colleagues next week and asked for the beginner material.",
    "Talked through the quarterly plan. No surprises.",
    "{who} sent over screenshots of their board, looks tidy.",
    "Call moved to next Thursday because of a fair they are exhibiting at.",
    "Short call with {who}, mostly about the weather and the new office.",
    "Went through open points, one left: export template, waiting for their IT.",
    "Left a voicemail, will try again on Monday.",
    "They rolled the approval flow out to the second site. Fine so far.",
    "{who} asked whether we run a user group in the region. Passed on the dates.",
    "Reviewed the figures together, roughly flat compared with last quarter, which they expected.",
    "Checked in by mail after the update. No problems reported.",
    "Prepared the slides for their review. {who} will add a page on the pilot.",
    "They would like invoices to go to a new mailbox. Told billing.",
    "Good conversation. They are thinking about giving the warehouse team access too.",
    "Admin question about single sign-on, solved with {who} in ten minutes.",
    "Nothing new. Next call in four weeks.",
    "{who} was in a hurry, we kept it to ten minutes and agreed on the next date.",
    "They finished the clean-up of old records that they had been putting off for a year.",
    "Introduced {who} to our trainer for the autumn workshops.",
)

MISLEADING = (
    "They told me how they looked at alternatives two years ago and are happy that they stayed.",
    "{who} used to work with Ostrivel at her last job and says she does not want to go back.",
    "Budget round is done on their side, our line went through as it was.",
    "There was a rumour about a merger in the local paper. {who} laughed: it is the company next door.",
    "{who} joked that if the coffee machine cost as much as we do, at least the coffee would be better. Good mood.",
    "Met {who} at the fair, right beside the Pennaxo booth. They were only there for the free pens.",
    "A colleague of {who} in another department left, does not touch our project.",
    "They asked what their peers get out of the product, wants it for a talk she gives in spring.",
    "Support was slow last summer, {who} brought it up again, but says it has been fine since.",
    "New department name on their side, same people, same desks.",
)

COMMENTS_GOOD = (
    "Does what we need, every day.",
    "Nice people, quick answers.",
    "Would not want to do the month-end without it.",
    "Happy with it.",
    "Easy to teach to new colleagues.",
)
COMMENTS_FAIR = (
    "Solid, could be faster on Mondays.",
    "Good overall, the menus take getting used to.",
    "It is fine.",
    "Some reports are hard to find.",
)
COMMENTS_BAD = (
    "Not what I expected.",
    "Too many clicks.",
    "It was a bad week, ask me again.",
    "Could be much better.",
    "I do not enjoy working with it.",
)

GOALS = (
    "Roll out to the second site",
    "Move the month-end checklist into the tool",
    "Train all team leads",
    "Cut manual entries by half",
    "Connect the document archive",
    "Replace the shared spreadsheet",
    "Have 80 % of the seats active",
    "Set up the management report",
    "Automate reminders",
    "Bring the field team on board",
    "Shorten the approval time to three days",
    "Clean up old records",
    "Introduce the mobile app",
    "Connect single sign-on",
    "Agree on naming rules",
    "Review access rights",
    "Finish the pilot in procurement",
    "Publish the internal handbook",
    "Move the archive of the old system",
    "Set up the weekly export",
    "Name a deputy administrator",
    "Introduce templates for contracts",
    "Bring the service desk on board",
    "Measure time saved",
)
