"""The one error that users see: a single line that says how to mend it."""


class UserError(Exception):
    """Bad input or settings: found what, where, what was expected, how to mend it.

    `python -m lvpipe` and the Snakefile print the message alone, without a traceback, and exit with code 1.
    """


class Rejected(Exception):
    """A case that cannot be used. The message is its reason; the cohort goes on without it."""
