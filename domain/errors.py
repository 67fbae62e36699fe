"""Every error the product raises on purpose, by what the reader should do next.

    SaveplayError                 base; nothing raises it directly
    ├── InputError                exit 2: what was given cannot be used; mend it and call again
    │   ├── DataError             a file, table, column or row of the customer data
    │   ├── ConfigurationError    a file under configs/ or a mapping.yaml
    │   ├── DecisionError         a decisions file, or a decision that breaks a rule of the review
    │   └── UnknownReference      a review, account, person or action that does not exist
    └── BusyError                 exit 2: another process is working on the same review; wait for it

A model that fails, a table that is absent and a row that does not parse are not errors of this tree: they are data
about the review and are reported in it.
"""


class SaveplayError(Exception):
    """Base of the tree. The message says what is wrong, where, and what to do."""


class InputError(SaveplayError):
    """What was given cannot be used. Nothing has been written."""


class DataError(InputError):
    """The customer data cannot be read as it is. The message names file, column and row where there is one."""


class ConfigurationError(InputError):
    """A configuration or mapping file is wrong. The message names the file and the key."""


class DecisionError(InputError):
    """A decision cannot be taken as written. The message names the account and the rule."""


class UnknownReference(InputError):
    """A name or id that nothing is known of. The message lists the nearest known ones."""


class BusyError(SaveplayError):
    """Another process holds the lock of this review."""
