"""The error that asks the user to change the command line."""


class UsageError(Exception):
    """The command line asks for something that cannot be done; the message says what to change."""
