"""The mapping file of the exports: our column on the left, the column of the source system on the right."""

MAPPING = """\
# How these exports call and write what the review needs. Ours on the left, theirs on the right.
# Not mapped on purpose: AnnualRevenue (what the customer earns), LastActivityDate, LastModifiedDate and "Updated at"
# (when a record was touched, not when something happened). Notes, goals and outcomes are not connected.
date_order: day_first
tables:
  accounts:
    from: Account.csv
    exported_on: 2026-11-22
    columns:
      account_id: Id
      name: Name
      arr: ARR__c
      segment: Segment__c
      csm_id: OwnerId
      exec_sponsor_id: Executive_Sponsor__c
      lifecycle_stage: Type
      started_on: Customer_Since__c
      seats: Seats__c
      parent_account_id: ParentId
    constants: {currency: EUR}
    values:
      lifecycle_stage: {Customer: live, Customer - Onboarding: onboarding, Customer - Leaving: offboarding}
    renewals:
      {from: Opportunity.csv, account: AccountId, date: CloseDate, closed: IsClosed, type: Type, renewal_type: Renewal}
  people:
    from: User.csv
    columns:
      person_id: Id
      name: Name
      email: Email
      role: UserRole
      manager_id: ManagerId
      weekly_hours: Weekly_Hours__c
    values:
      role:
        Customer Success Manager: csm
        CS Team Lead: cs_manager
        Executive: exec_sponsor
        Support Lead: support_lead
        Product Manager: product
        Finance: billing
  contacts:
    from: Contact.csv
    columns:
      contact_id: Id
      account_id: AccountId
      name: Name
      title: Title
      role: Role__c
      status: Status__c
      departed_on: Left_On__c
      email: Email
    values:
      role: {Champion: champion, Economic Buyer: economic_buyer, Sponsor: exec_sponsor, User: user}
      status: {Active: active, Left company: departed}
  touchpoints:
    from: Event.csv
    columns:
      account_id: AccountId
      date: ActivityDate
      kind: Type
      outbound: Outbound__c
      attended: Attended__c
      responded_at: Responded_On__c
      contact_id: WhoId
      person_id: OwnerId
    values:
      kind: {Executive Meeting: exec_meeting, QBR: qbr, Call: call, Email: email, Training: training}
  tickets:
    from: tickets.csv
    columns:
      ticket_id: Ticket ID
      account_id: Organization external ID
      opened_at: Created at
      closed_at: Solved at
      priority: Priority
      escalated: Escalated
      sla_breached: SLA breached
      csat: Satisfaction
      subject: Subject
      body: Description
    values:
      priority: {Low: low, Normal: normal, High: high, Urgent: urgent}
    units: {csat: good_bad}
  invoices:
    from: invoices.csv
    columns:
      invoice_id: id
      account_id: metadata[sf_account]
      due_date: due_date
      amount: amount_due
      currency: currency
      status: status
      paid_on: paid_at
    values:
      status: {uncollectible: failed}
    units: {amount: minor, due_date: epoch_s}
  usage:
    from: usage_export.csv
    columns:
      account_id: org_key
      date: period_end_ms
      active_users: wau
      logins: sessions
      core_actions: key_events
      features_used: modules_touched
    units: {date: epoch_ms}
  surveys:
    from: survey_responses.csv
    columns:
      account_id: Company
      date: Submitted
      score: How likely are you to recommend us? (0-10)
      comment: Why?
      contact_id: Respondent
    constants: {kind: nps}
"""
