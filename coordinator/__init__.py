"""Queue, dispatch, ledger and pages: follows every unit from a hospital's need to its signature."""
