"""Runs a program that must not outlive whoever started it: `python child_process.py PROGRAM ARGUMENT…`.

Its stdin is a pipe to the parent: when the other end is closed (on purpose, or because the parent died whatever
death), the program is told to end, and after a while made to. Whatever is written to it gives the program a SIGHUP,
by which a server reads its configuration again. A process of its own, and not a signal at the parent's death from
within the coordinator, because Linux ties that signal to the *thread* that started the program. Stands alone, so that
it starts in a few milliseconds.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading

GRACE = 5.0
"""Seconds from telling the program to end to making it."""
_ASKS = 20
_PR_SET_PDEATHSIG = 1  # linux/prctl.h; in case that this process itself is killed


def main(command: list[str]) -> int:
    """Run `command` until it ends or stdin is closed; its exit code, or 127 if there is no such program."""
    libc = ctypes.CDLL(None)  # loaded before the fork

    def die_with_this_process() -> None:
        if sys.platform == "linux":
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    try:
        # The main thread of a process with no other one: a function between fork and exec is safe here.
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_this_process)  # noqa: PLW1509
    except OSError as error:
        print(f"Error: {command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - its log is stderr
        return 127
    threading.Thread(target=_hold, args=(child,), daemon=True).start()
    return child.wait()


def _hold(child: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 1024):
        child.send_signal(signal.SIGHUP)
    for _ in range(_ASKS):
        # Again and again: Mosquitto forgets a signal that comes while it starts.
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE / _ASKS)
            return
    child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
