"""How a stage ends other than well."""


class StageFailed(Exception):
    """What went wrong, and the last lines of the program that said so."""

    def __init__(self, reason, lines=()):
        super().__init__(reason)
        self.reason, self.lines = reason, list(lines)


class StageSkipped(Exception):
    """Why there was nothing to do."""
