"""YAML that a person, a program or an attacker may hand in, each with the sentence that it must get.

A text with ``<<<old>>>new`` is an edit of the file that ships; any other text is the whole file.
"""

_DEEP = "[" * 50_000
_DIGITS = "9" * 5000
_DECISIONS = "review: 2026-W48\ndecided_by: Dana\n"
_CASE = "why: A reason.\nas_of: 2026-11-23\nexpect: {}\n"
_LONG_KEY = "k" * 5000

DECISIONS: tuple[tuple[str, str | bytes], ...] = (
    ("a day that does not exist", _DECISIONS + "plays: [{account: A-1, decision: defer, until: 2026-11-31}]\n"),
    ("a month that does not exist", _DECISIONS + "plays:\n  - account: A-1\n    decision: defer\n    until: 2026-13-01\n"),
    ("the last day of the calendar", _DECISIONS + "plays: [{account: A-1, decision: defer, until: 9999-12-31}]\n"),
    ("the first day of the calendar", _DECISIONS + "plays: [{account: A-1, decision: edit, dates: {A-1-01: 0001-01-01}}]\n"),
    ("a list as a key", _DECISIONS + "? [a, b]\n: 1\n"),
    ("an endless number", _DECISIONS + f"budget: {_DIGITS}\n"),
    ("an infinite budget", _DECISIONS + "budget: .inf\n"),
    ("a budget that is not a number", _DECISIONS + "budget: .nan\n"),
    ("an absurd budget", _DECISIONS + "budget: 1.0e+300\n"),
    ("negative hours", _DECISIONS + "hours: {csm: -4}\n"),
    ("deep nesting", _DECISIONS + f"plays: {_DEEP}\n"),
    ("an alias bomb", "a: &a [x, x]\nb: &b [*a, *a]\n"),
    ("a tag that runs a command", _DECISIONS + "plays: !!python/object/apply:os.system [ls]\n"),
    ("a merge key", _DECISIONS + "plays: [{<<: {account: A-1}}]\n"),
    ("the same key twice", _DECISIONS + "decided_by: Eve\n"),
    ("two documents", _DECISIONS + "---\nplays: []\n"),
    ("a key with a line break in it", _DECISIONS + '"a\\nb\\tc": 2026-11-31\n'),
    ("a key of thousands of letters", _DECISIONS + f"{_LONG_KEY}: 1\n"),
    ("a list instead of keys", "- a\n- b\n"),
    ("an empty file", ""),
    ("a text in UTF-16", "review: 2026-W48\n".encode("utf-16")),
    ("a file of bytes", bytes(range(256))),
    ("a control character", _DECISIONS + "plays: \x07\n"),
    ("an account that is decided twice", _DECISIONS + "plays: [{account: A, decision: approve}, {account: A, decision: approve}]\n"),
    ("a number where a list belongs", _DECISIONS + "plays: 7\n"),
)  # fmt: skip

MAPPING: tuple[tuple[str, str | bytes], ...] = (
    ("a day that does not exist", "tables:\n  usage:\n    exported_on: 2026-02-30\n"),
    ("a year long before any software", "tables: {usage: {exported_on: 0001-01-01}}\n"),
    ("a list as a key", "tables: {accounts: {values: {segment: {? [a] : b}}}}\n"),
    ("a group of keys as a key", "tables: {? {a: 1} : 2}\n"),
    ("the same column twice", "tables: {accounts: {columns: {arr: A, arr: B}}}\n"),
    ("a table that does not exist", "tables:\n  acounts: {}\n"),
    ("a list instead of a column", "tables: {accounts: {columns: {arr: [A, B]}}}\n"),
    ("an endless number", f"tables: {{accounts: {{constants: {{seats: {_DIGITS}}}}}}}\n"),
    ("an anchor and its alias", "tables: {accounts: &t {from: A}, people: *t}\n"),
    ("no closing bracket", "tables: {\n"),
    ("only a text", "hello\n"),
)


def _own_signal(measure: str, name: str = "own_visits") -> str:
    """An edit of scoring.yaml that puts an own signal before the others."""
    signal = (
        "{label: Visits, category: usage, pillar: adoption, table: own_visits, unit: count, worse_when: lower, points: [[0, 0],"
        f" [9, 100]], weight: {{default: 9}}, risk: 9, fresh: {{days: 7}}, {measure}, says: {{worse: a, better: b, steady: c}},"
        " why: They come for stock.}"
    )
    return f"signals:\n  active_users_trend:<<<>>>signals:\n  {name}:\n    {signal}\n  active_users_trend:"


CONFIGURATION: tuple[tuple[str, str, str], ...] = (
    ("a share above one", "scoring.yaml", "minimum_coverage: {value: 0.5<<<>>>minimum_coverage: {value: 40"),
    ("an infinite threshold", "scoring.yaml", "at_risk_above: {value: 60<<<>>>at_risk_above: {value: .inf"),
    ("an own signal without a column", "scoring.yaml", _own_signal("own: {take: sum}, window_days: 28")),
    ("an own signal that looks back for ever", "scoring.yaml", _own_signal("own: {column: Visits, take: sum}, window_days: 36500")),
    ("an own signal by a name of the product", "scoring.yaml", _own_signal("own: {column: Visits}", "arr")),
    ("a word that stands for no number", "scoring.yaml", _own_signal("own: {column: Plan, values: {Gold: .inf}}")),
    ("an own column that is a list", "scoring.yaml", _own_signal("own: {column: [Visits]}")),
    ("a pair of one signal", "scoring.yaml", "money:\n<<<>>>pairs: [{signals: [nps, nps], risk: 9, says: both are low, why: It is said twice.}]\nmoney:\n"),
    ("a pair with a signal that does not exist", "scoring.yaml", "money:\n<<<>>>pairs: [{signals: [nps, npss], risk: 9, says: both are low, why: It is said twice.}]\nmoney:\n"),
    ("no number at all", "scoring.yaml", "at_risk_above: {value: 60<<<>>>at_risk_above: {value: .nan"),
    ("an absurd number of days", "scoring.yaml", "renewal_horizon: {value: 180<<<>>>renewal_horizon: {value: 1.0e+300"),
    ("a negative window", "scoring.yaml", "risk: 34, window_days: 90<<<>>>risk: 34, window_days: -90"),
    ("a window of a million days", "phrases/kinds.yaml", "window_days: {value: 90<<<>>>window_days: {value: 1000000"),
    ("a day that does not exist", "scoring.yaml", "rates_of: 2026-11-16<<<>>>rates_of: 2026-11-31"),
    ("bands with other names", "scoring.yaml", "- {name: red, <<<>>>- {name: crimson, "),
    ("no bands", "scoring.yaml", "health_bands:\n  - {name: red, starts_at: 0}\n  - {name: yellow, starts_at: 60}\n  - {name: green, starts_at: 80}<<<>>>health_bands: []"),
    ("an unknown signal", "tiers.yaml", "{signal: escalations,<<<>>>{signal: escalatoins,"),
    ("a format that asks for gigabytes", "tiers.yaml", "{invoice_overdue} days<<<>>>{invoice_overdue:>999999999} days"),
    ("a deadline of a thousand years", "tiers.yaml", "watch: {days: 90<<<>>>watch: {days: 365000"),
    ("a cause twice", "causes.yaml", "  product_fit:\n<<<>>>  value_gap:\n"),
    ("negative points", "causes.yaml", "minimum_points: {value: 30<<<>>>minimum_points: {value: -30"),
    ("a week of three hundred hours", "review.yaml", "{csm: 38,<<<>>>{csm: 300,"),
    ("a holiday that does not exist", "review.yaml", "2026-12-31]<<<>>>2026-12-32]"),
    ("a meeting of months", "review.yaml", "minutes: 45,<<<>>>minutes: 99999,"),
    ("no opportunity", "review.yaml", "opportunity: {seat_utilisation: 40, goals_behind: 30, arr_trend: 30}<<<>>>opportunity: {}"),
    ("a negative budget", "review.yaml", "weekly_budget: {value: 6000<<<>>>weekly_budget: {value: -1"),
    ("no time for an answer", "model.yaml", "timeout: {value: 180<<<>>>timeout: {value: -1"),
    ("a temperature of a furnace", "model.yaml", "temperature: {value: 0<<<>>>temperature: {value: 900"),
    ("eleven months", "ask.yaml", "  - [december, dezember, décembre, decembre, diciembre]\n<<<>>>"),
    ("a phrase that is no expression", "ask.yaml", "phrases: ['{competitor}'<<<>>>phrases: ['({competitor}'"),
    ("a playbook that is deeply nested", "playbooks/value_gap.yaml", _DEEP),
    ("a playbook of nothing", "playbooks/value_gap.yaml", "# later\n"),
    ("a list instead of settings", "review.yaml", "- a\n"),
    ("an effort without end", "playbooks/value_gap.yaml", "cause: value_gap\n<<<>>>cause: value_gap\nnote: .inf\n"),
)  # fmt: skip

DESK: tuple[tuple[str, str | bytes], ...] = (
    ("a day that does not exist", "roles: {leader: [2026-11-31]}\n"),
    ("endless sessions", "session_hours: .inf\n"),
    ("a negative link", "link_minutes: -1\n"),
    ("an unknown role", "roles: {king: [a@example.com]}\n"),
    ("a name with two roles", "roles: {leader: [a@example.com], viewer: [A@example.com]}\n"),
    ("an address that is none", "address: 'https://[::1'\n"),
    ("a network that is none", "proxy: {header: X-Email, trusted: [10.0.0.0/99]}\n"),
    ("a list instead of settings", "[1, 2]\n"),
    ("deep nesting", "openid: " + _DEEP),
)

CASES: tuple[tuple[str, str | bytes], ...] = (
    ("a day that does not exist", _CASE.replace("2026-11-23", "2026-11-31")),
    ("a review in the year 1", _CASE.replace("2026-11-23", "0001-01-01")),
    ("an event a billion days ago", _CASE + "tickets: [{opened_ago: 1000000000}]\n"),
    ("an event some time ago", _CASE + "tickets: [{opened_ago: soon}]\n"),
    ("a repeat that is no list", _CASE + "tickets: [{repeat: 3}]\n"),
    ("a number as a key", _CASE + "7: x\n"),
    ("a name of its own", _CASE + "name: other\n"),
    ("infinite revenue", _CASE + "account: {arr: .inf}\n"),
    ("usage every zero days", _CASE + "usage: {active_users: [1, 2], every: 0}\n"),
    ("an alias", _CASE + "also: [&a {tickets: []}, *a]\n"),
)
