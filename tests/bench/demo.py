"""How long the demo takes, from its command to its end."""

import json
import signal
import subprocess
import sys
import time

from tests.bench.figures import Failed, Figure, Skipped

AIM = 60.0
"""Seconds."""
PATIENCE = 30.0
"""Seconds in which a demo that is told to end has put everything away."""


def run(*, quick: bool) -> list[Figure]:
    """`muster demo --once --json`, once."""
    if quick:
        raise Skipped("as it takes most of a minute")
    began = time.monotonic()
    demo = subprocess.Popen(
        [sys.executable, "-m", "coordinator", "demo", "--once", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for us; a demo that gets it twice would not clean up
    )
    try:
        said, complaint = demo.communicate()
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=PATIENCE)
    seconds = time.monotonic() - began
    if demo.returncode:
        raise Failed(f"the demo ended with {demo.returncode}: {complaint.strip()[-300:]}")
    result = json.loads(said)
    what = f"{result['needed']} ear savers, {result['attempts']} plates"
    return [Figure(name=f"muster demo --once --json ({what})", unit="s", values=[seconds], below=AIM)]
