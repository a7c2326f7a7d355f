"""Bad G-code, and good: files with the verdict that each must get, made by rules."""

from tests.corpus import codes, forms, places, states
from tests.corpus.case import Case


def every() -> list[Case]:
    """All files, in the order of their names."""
    cases = [*forms.cases(), *codes.cases(), *states.cases(), *places.cases()]
    return sorted(cases, key=lambda case: (case.machine, case.name))
