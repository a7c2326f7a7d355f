"""A kind of printer that is only here: one folder, and one record in the catalogue.

`plugin.py` adds the record before anything reads the catalogue; `cases.py` are the tests that run with it, in a process
of their own: tests/unit/agent/printers/test_new_kind.py starts that.
"""
