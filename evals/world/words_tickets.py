"""Texts of tickets from customers, as subject and body."""

ORDINARY = (
    ("How to add a user", "Hello, where do I add a colleague who only needs to read?"),
    ("Password reset mail", "The reset mail landed in spam, could you send it again please."),
    ("Export as PDF", "Is there a way to have the logo on the PDF export?"),
    ("Date format", "Dates show as month first for one of us. Which setting is it?"),
    ("Question on roles", "What is the difference between editor and owner?"),
    ("Slow this morning", "Loading the list took long this morning, it is fine now. Just so you know."),
    ("Change of invoice address", "Please note our new address from the first of the month."),
    ("Deleted by mistake", "A colleague deleted a folder. Can it be restored?"),
    ("Notification settings", "I get two mails for each change. Can I turn one off?"),
    ("Language", "One user sees the menu in another language since yesterday."),
    ("Import template", "Which columns does the import template need? The help page shows an older one."),
    ("Browser version", "Which browsers do you support? Our IT plans an update."),
    ("Merge two records", "The same supplier is there twice. Can you merge them?"),
    ("Filter does not remember", "My filter is gone after I log in again. Is that on purpose?"),
    ("API key", "We need a second API key for our test system."),
    ("Data protection form", "Please fill in the attached questionnaire for our yearly review."),
    ("Training material", "Do you have slides that I may use for our new colleagues?"),
    ("Attachment too large", "What is the size limit for attachments?"),
    ("Time zone", "Reminders come an hour early since the clocks changed."),
    ("Archive old projects", "Can projects of 2023 be archived all at once?"),
)

BAD = (
    ("Import fails again", "Same error as last week and the week before. We sent the logs three times already."),
    ("System down for our night shift", "From 2 to 5 nobody could work. What happened and will it happen again?"),
    ("Still waiting for an answer", "Nine days without a reply. Please at least tell us who looks after this."),
    ("Records lost after the update", "About 200 entries are missing since Thursday. We need them back today."),
    ("Error comes back", "You closed the ticket as solved. It is not. Please reopen it."),
    ("Sync stopped, third time this month", "Our warehouse works on paper again. I do not know what to tell them."),
    ("Wrong totals in report", "Totals differ by several thousand. We had already sent the report to our board."),
    ("Nobody calls back", "We were promised a call on Monday, on Wednesday and yesterday."),
    ("Workaround does not work", "Step 4 of your workaround gives another error. Now we have two problems."),
    ("Outage", "Cannot log in, none of us. The status page says all is green."),
)

GAP = (
    ("Offline mode?", "Our crews have no network on site. Without an offline mode they cannot use it. Any plan?"),
    ("Bulk changes", "We have to change 1,400 records one by one. Is there really no other way?"),
    ("Multi-currency", "We need amounts in three currencies. The field only takes one. When will that change?"),
    ("Write back to our ERP", "The interface only reads. We need it to write as well, otherwise it is double work."),
    ("Permissions by region", "Regions must not see each other. Without that we cannot go live in the south."),
    ("Version history needed", "Legal wants to see who changed what. We have not found it, does it exist?"),
    ("Following up on our request", "In spring you said it is on the list. Our teams are waiting. Is there a date?"),
    ("Planning view", "A list is not enough for planning. We keep using our old tool for it for now."),
    ("Batch numbers", "There is no place for batch numbers, so production works outside of the system."),
)

STORM = (
    ("Button moved after update?", "Since the release the save button is somewhere else. Is that intended?"),
    ("New version: export looks different", "The columns are in another order now. Our macro fails."),
    ("Cannot find reports since release", "Where did the reports go? Nobody here finds them."),
    ("Logged out all the time", "Since the new version we are logged out every half hour."),
    ("Print layout broken", "After the update the second page is cut off. Urgent for us, we print delivery notes."),
    ("Update caused error", "Error 500 when opening settings, only since this week's release."),
    ("Colours", "The new colours are hard to read for one of our colleagues."),
)
