"""What a recipe reports in a few lines, without a traceback, because the user can mend it."""


class DatasetError(Exception):
    """The data are missing, damaged or not what the configuration asks for; the message says what to do."""
