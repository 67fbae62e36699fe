"""Sentences that belong to a story: hints that people give when something is wrong."""

LEFT = [
    "{champ} has left the company, the farewell mail came from the assistant. No successor named.",
    "Asked reception who follows {champ}. 'Not decided yet' was the answer.",
    "Nobody replaced {champ}; {user} says that nobody there can decide anything about Tallyfold.",
]
DRIFT = [
    "No reply to three mails and a voicemail. {champ} is the only one I know there.",
    "Everything goes through {champ}. If that breaks we know nobody.",
    "Meeting declined without a new date, for the third time.",
]
SERVICE = [
    "{champ} asked for our head of support. Patience is over after the 5.2 sync errors.",
    "They count the hours their people spend on repairing sync data and want to send us a bill.",
    "Had to listen for twenty minutes. Everything they say is true: nobody called them back.",
]
VALUE = [
    "{buyer} asked bluntly: what do we get for this? I had no figure at hand.",
    "The CFO wants a business case before the next payment, they cannot name a single saved euro.",
    "Both rollout goals are behind, {buyer} calls it 'an expensive form'.",
    "Their board asked why they keep paying when the spreadsheets are still there.",
]
GAP = [
    "Security will not release it to the other plants without enforced MFA. {champ}: 'a blocker, not a wish'.",
    "The auditors do not accept our screenshots, the missing audit export is a show-stopper for them.",
    "Told {champ} there is no date on the roadmap. The line went very quiet.",
]
COMPETITOR = [
    "{champ} told me openly that they are evaluating alternatives; Corvane gave a demo last week.",
    "Procurement has a comparison sheet: us, Corvane and Ledgerbird, with prices per invoice.",
    "{buyer} wants to see 'what the market offers' before signing. A demo with Ledgerbird is booked.",
    "They asked how to get all their data out, and Ledgerbird is in the room according to {user}.",
]
PRICE = [
    "All software budgets were cut by 20 %, {buyer} says we have to come down or lose modules.",
    "Asked for a discount before I had finished my first sentence. 'Everybody has to give.'",
    "Budget freeze until the end of the quarter, renewal paper lies on {buyer}'s desk.",
]
PAYMENT = [
    "Card was declined again, their bank changed. Accounting does not answer our mails.",
    "Billing tells me the last debit failed. {champ} knew nothing about it and was surprised.",
]
CHANGE = [
    "They have been acquired by a larger group, the new owner reviews all vendor contracts in January.",
    "New CFO since the first of the month; she came from a company that built such things in-house.",
    "Reorganisation: billing moves to the shared service centre, our users get new bosses.",
]
QUIET = [
    "Nobody logs in any more as far as I can see. Calls go to voicemail.",
    "The project team was dissolved after the summer, I learned it from their newsletter.",
]
RECOVERY = [
    "First good call in weeks: fix is live, {champ} confirmed that the errors are gone.",
    "Weekly meeting with {champ} works, people are coming back. They thanked us for staying on it.",
    "{buyer} said: 'you listened'. Usage is climbing again.",
]
SAVED = [
    "Presented the savings: 31 days of manual work a quarter. {buyer} took the slide to the board.",
    "Signed! {buyer} renewed for a year after seeing the figures.",
]
DETRACTOR = [
    "We are only a number to you. The promises from the kick-off were never kept.",
    "Hard to recommend something half of our people avoid.",
]
