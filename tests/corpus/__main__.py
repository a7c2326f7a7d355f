"""`python -m tests.corpus`: writes the corpus's files and its table of verdicts anew, from the rules."""

import shutil

from tests.corpus import every
from tests.corpus.case import FILES, VERDICTS


def main() -> None:
    """Nothing is kept of what was there."""
    shutil.rmtree(FILES, ignore_errors=True)
    cases = every()
    for case in cases:
        case.path.parent.mkdir(parents=True, exist_ok=True)
        case.path.write_bytes(case.data)
    VERDICTS.write_text("".join(case.row + "\n" for case in cases))


if __name__ == "__main__":
    main()
