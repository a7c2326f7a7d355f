"""What can be said to `muster-agent`, and how it explains itself."""

import argparse
from collections.abc import Callable
from pathlib import Path

from agent.printers import catalogue
from agent.prose import Formatter, either

ABOUT = """\
Drives the 3D printers beside this machine and takes print jobs from a Muster coordinator. Nothing starts on
a printer whose bed you did not say is clear, that is busy with something of yours, or in your quiet hours.
"""
FIRST = """\
the first time:
  1. muster-agent setup               find the printers, and make the settings
  2. muster-agent enroll INVITE       join, with the invite of your coordinator
  3. muster-agent printers            are the printers there?
  4. muster-agent clear left          the bed of the printer "left" is empty
  5. muster-agent run

without a printer at hand: muster-agent try

The settings are read from --config, else $MUSTER_AGENT_CONFIG, else ./muster-agent.toml, else
~/.config/muster/agent.toml.
"""
CLEAR = """\
Say that the bed of PRINTER is empty: parts taken off, nothing left that a print could hit. The next print
may start at any moment then, so keep your hands out. What was printed counts as taken off. It holds for one
print, also over power cuts.
"""
PRINTERS = f"""\
Find the printers that could be driven: at the USB serial ports of this machine, and behind
{either([kind.title for kind, _ in catalogue.servers()])}, on this machine and where the home network announces
them (mDNS); and look at those that are in the settings. It takes up to five seconds.

A serial port that is not in the settings is opened only if you say so (--open, or yes when you are asked), and then
asked for the name of its firmware (M115): nothing moves and nothing heats. But opening alone makes many boards
restart: not while one of them prints from its own card. A port that another program has open is left alone.
Servers are only read from.
"""
WATCH = """\
Show one printer as it is now: heat, progress, time left, its bed, and what the coordinator knows of it. It only
looks: the agent and the print are not disturbed, and Ctrl-C ends nothing but the view. Where the output is no
terminal, a line is written whenever something has changed.
"""
SETUP = """\
Find printers, ask a few questions, and write the settings. Settings that are there are only added to, after the
difference was shown. What opens a printer's server is kept in files of its own, for your eyes only; OctoPrint gives
a key when you confirm it there. Ctrl-C ends it at any time; what you answered is kept for the next time.
"""
ENROLL = """\
Join a coordinator. INVITE is the text beginning with muster1. that it gave you; it works once, for 15 minutes. This
makes a key that never leaves this machine, and keeps it with the coordinator's certificate in the state folder. The
certificate is good for 60 days; the running agent renews it by itself.

If no answer came, run the same again. If the certificate has ended, or the disk was lost, ask for an invite for this
agent (muster invite --agent NAME): it joins again under its name.
"""
CANCEL = """\
Stop the print of PRINTER: motion stops, the heaters go off, the head parks. It works at once, also without a network
and while the agent does not run. A printer that can't be interrupted while it heats stops when it is hot; so long you
are told, and the power switch is quicker.

A printer that can't be reached is told as soon as it can be, also after a restart. If it never will be, switch it off
and say --give-up: then the attempt counts as failed, and is reported, at once. It can't be taken back.
"""
STOP = """\
Stop every printer that prints, or those that are named, at once: as muster-agent cancel does for one.
"""
OFFERS = """\
Show what your coordinator asks you to print: how many of which part, for whom, how long it takes, by when, and until
when the offer stands. It is for parts that your settings say "ask" for ([consent]). Nothing is bound and nothing starts
before you say yes; what is granted then is no more than what you said yes to.
"""
ACCEPT = """\
Say yes to an offer. The printer asks for that job at once and may start at any moment, if its bed was said to be clear,
your hours allow it and, where it must be so, somebody is there. Until it is granted you may still decline it.
"""
DECLINE = """\
Say no to an offer. You are not asked for the same need again for some hours.
"""
PRESENT = """\
Say that somebody is beside the printers. It counts for those of which it is not known that their firmware watches their
heaters: they print nothing that would not end while somebody is there. When that time is over in the middle of a print,
the print goes on, and you are told (muster-agent refusals); to end it, muster-agent stop.
"""
REFUSALS = """\
Show what was asked of this agent and not done, and why: orders that nobody had asked for, with a wrong signature, of
parts that you let nobody print, outside your hours. What your settings say can be changed by no message.
"""
RESET = """\
Take PRINTER up again after it, or the agent, stopped it for safety (a heater out of control, a head that could not
home, silence), or after it took no more work because several prints had failed one after the other. Look at it
before: is it cold, is nothing loose, can the head move freely? After a fault its board is started anew, so that
it loses its place; nothing heats or moves by that. Whatever it was printing has failed already.

A fault of a printer that is not at a serial port is ended on the page of its server.
"""
CHECK = """\
Judge FILE as the agent judges every file before a byte of it goes to a printer, and explain the verdict. Nothing is
sent anywhere. The exit status is 0 for accepted, 1 for refused, 2 where it could not be judged.

A whole file of G-code is judged as it stands. It gets no more than a job would: what only an owner's own scripts may
say (G29, M204, M420, M900) is refused, and G91 and M84 pass only after the last line that heats, homes or extrudes.
With --body, FILE is a job's body, and is judged between the machine's start and end scripts.

MACHINE is a printer of your settings, or "marlin" or "prusa-mk3", or a TOML file with the fields that [printer.profile]
has in the settings, and `material`. Left out: 220 x 220 x 250 mm, a nozzle of 0.4 mm, PETG.
"""

TRY = """\
See a first print without a printer: this plays one at the far end of a serial port, a good deal faster than real. A
plate of a part that hospitals ask for is drawn, goes through the gate, and is streamed to it as to a real board, in
about a minute. Nothing moves, nothing gets hot, and nothing leaves this machine.

With INVITE (from muster invite), this joins that coordinator as an agent of its own, try-…, and prints whatever it is
granted until you press Ctrl-C; each plate is taken off for you. The coordinator takes it for real, so try only with one
that is for trying, like your own on this machine (muster serve).

Your settings and your printers are not touched. All that is made lies in a folder of its own, which is removed then.
"""
TRIED = """\
printed   that is all: a real printer would now wait until you have taken the parts off (muster-agent clear).
next:
  muster-agent setup        find your printers, and make the settings
  muster-agent try INVITE   the same for a coordinator's needs, with an invite of one that is for trying (muster invite)
"""


def parser() -> argparse.ArgumentParser:
    """Reads the words of a command; `command` is its name."""
    plain = Formatter
    whole = argparse.ArgumentParser(
        prog="muster-agent", description=ABOUT, epilog=FIRST, formatter_class=plain
    )
    whole.add_argument("--config", metavar="FILE", help="the settings (default: see below)")
    commands = whole.add_subparsers(required=True, metavar="COMMAND", dest="command")

    run = commands.add_parser(
        "run", help="drive the printers until stopped", description=ABOUT, formatter_class=plain
    )
    run.add_argument("--verbose", action="store_true", help="log more")

    status = commands.add_parser(
        "status",
        help="what the journal holds, whether the agent runs or not",
        description="Show each printer's bed and print, and what the coordinator does not know yet.",
        formatter_class=plain,
    )
    status.add_argument("--json", action="store_true", help="one JSON object, for programs")

    printers = commands.add_parser(
        "printers", help="find printers, and look at each now", description=PRINTERS, formatter_class=plain
    )
    printers.add_argument("--json", action="store_true", help="one JSON object, for programs")
    _add_scope(printers)

    setup = commands.add_parser(
        "setup", help="make the settings, in a few questions", description=SETUP, formatter_class=plain
    )
    _add_scope(setup)

    watch = commands.add_parser(
        "watch", help="a live view of one printer", description=WATCH, formatter_class=plain
    )
    watch.add_argument(
        "printer", metavar="PRINTER", nargs="?", help="its name in the settings (default: the one with work)"
    )
    watch.add_argument("--once", action="store_true", help="look once, and end")
    watch.add_argument("--json", action="store_true", help="one JSON object a line, for programs")

    clear = commands.add_parser(
        "clear", help="say that a printer's bed is empty", description=CLEAR, formatter_class=plain
    )
    clear.add_argument("printer", metavar="PRINTER", help="its name in the settings")
    clear.add_argument("--yes", action="store_true", help="do not ask")

    cancel = commands.add_parser(
        "cancel", help="stop a printer's print, at once", description=CANCEL, formatter_class=plain
    )
    cancel.add_argument("printer", metavar="PRINTER", help="its name in the settings")
    cancel.add_argument(
        "--give-up",
        action="store_true",
        help="where it can't be reached: count the print as failed all the same",
    )

    stop = commands.add_parser(
        "stop", help="stop all printers, or those named, at once", description=STOP, formatter_class=plain
    )
    stop.add_argument(
        "printer", metavar="PRINTER", nargs="*", help="their names in the settings (default: all)"
    )
    stop.add_argument(
        "--give-up",
        action="store_true",
        help="where one can't be reached: count its print as failed all the same",
    )

    _add_consent(commands.add_parser)

    reset = commands.add_parser(
        "reset", help="take a printer up again after a fault", description=RESET, formatter_class=plain
    )
    reset.add_argument("printer", metavar="PRINTER", help="its name in the settings")
    reset.add_argument("--yes", action="store_true", help="do not ask: you have looked at it")

    enroll = commands.add_parser(
        "enroll", help="join a coordinator", description=ENROLL, formatter_class=plain
    )
    enroll.add_argument("invite", metavar="INVITE", help="the text that the coordinator gave you")
    enroll.add_argument(
        "--name",
        help="what this agent is called: small letters, digits, dashes (default: this machine's name)",
    )
    enroll.add_argument(
        "--ca",
        metavar="FILE",
        type=Path,
        help="a CA (PEM) to trust from now on, if the coordinator's https address needs it",
    )

    check = commands.add_parser(
        "check",
        help="may this file of G-code be printed, and if not, why",
        description=CHECK,
        formatter_class=plain,
    )
    check.add_argument("file", metavar="FILE", help="the file, or - for stdin")
    check.add_argument("--json", action="store_true", help="one JSON object: accepted, code, line, reason")
    check.add_argument("--profile", metavar="MACHINE", help="the machine to judge for (default: see above)")
    check.add_argument("--material", metavar="NAME", help="petg or pla (default: what is loaded, or petg)")
    check.add_argument("--body", action="store_true", help="FILE is a job's body, without start and end")

    _add_try(commands.add_parser)
    commands.add_parser(
        "virtual-printer", help="a printer to try things with, at the far end of a pty", add_help=False
    )
    commands.add_parser(
        "octoprint-sandbox", help="a throw-away OctoPrint with a virtual printer", add_help=False
    )
    return whole


def _add_try(add: Callable[..., argparse.ArgumentParser]) -> None:
    parser = add("try", help="a first print without a printer", description=TRY, formatter_class=Formatter)
    parser.add_argument(
        "invite", metavar="INVITE", nargs="?", help="of a coordinator that is for trying (default: none)"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=60.0,
        metavar="N",
        help="N times as fast as a real printer (default: 60)",
    )
    parser.add_argument(
        "--part",
        default="ear-saver",
        metavar="NAME",
        help="without INVITE: what to print (default: ear-saver)",
    )
    parser.add_argument(
        "--count", type=int, default=3, metavar="N", help="without INVITE: how many of it (default: 3)"
    )
    parser.add_argument(
        "--plates", type=int, metavar="N", help="with INVITE: end after N plates (default: with Ctrl-C)"
    )
    parser.add_argument("--ca", metavar="FILE", type=Path, help="with INVITE: as for muster-agent enroll")
    parser.add_argument("--yes", action="store_true", help="do not ask: the coordinator is for trying")


def _add_consent(add: Callable[..., argparse.ArgumentParser]) -> None:
    """What its owner says yes or no to."""
    plain = Formatter
    offers = add("offers", help="what you are asked to print", description=OFFERS, formatter_class=plain)
    offers.add_argument("--json", action="store_true", help="one JSON array, for programs")

    accept = add("accept", help="say yes to an offer", description=ACCEPT, formatter_class=plain)
    accept.add_argument("offer", metavar="OFFER", help="its name, as muster-agent offers shows it")

    decline = add("decline", help="say no to an offer", description=DECLINE, formatter_class=plain)
    decline.add_argument("offer", metavar="OFFER", help="its name, as muster-agent offers shows it")
    decline.add_argument("--why", default="", help="a word for the coordinator")

    present = add(
        "present", help="say that somebody is beside the printers", description=PRESENT, formatter_class=plain
    )
    present.add_argument(
        "--for", dest="duration", metavar="TIME", default="4h", help="for how long: 2h, 90m (default: 4h)"
    )
    add("away", help="say that nobody is there any more", description=PRESENT, formatter_class=plain)

    refusals = add("refusals", help="what was not done, and why", description=REFUSALS, formatter_class=plain)
    refusals.add_argument("--json", action="store_true", help="one JSON array, for programs")


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--open",
        action=argparse.BooleanOptionalAction,
        help="open USB serial ports that are not in the settings (default: ask at a terminal, else no)",
    )
    parser.add_argument(
        "--port",
        metavar="PATH",
        action="append",
        default=[],
        help="a serial port to ask, beside those at USB",
    )
    parser.add_argument(
        "--url",
        metavar="URL",
        action="append",
        default=[],
        help="where a server may be, beside those announced",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=4.0,
        help="how long to look (default: 4; for boards that wake up slowly: 12)",
    )
    parser.add_argument(
        "--interface",
        metavar="ADDRESS",
        action="append",
        help="ask only the network of this address of this machine (default: all)",
    )
