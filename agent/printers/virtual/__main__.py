"""`python -m agent.printers.virtual`."""

import sys

from agent.printers.virtual import main

sys.exit(main())
