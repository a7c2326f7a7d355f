"""`muster`: what the pages can do, from a terminal; and `muster serve`, which runs the coordinator.

What a command needs is imported when it is called, so that help comes at once.
"""

import io
import sys
from collections.abc import Sequence

import click

from coordinator.cli.formatting import example, line
from coordinator.cli.lazy_group import LazyGroup
from coordinator.cli.options import remote_options

COMMANDS = {
    "demo": ("coordinator.cli.demo:demo", "See the whole chain work, on this machine."),
    "serve": (
        "coordinator.cli.serving:serve",
        "Run the coordinator: queue, dispatch, ledger, broker, pages.",
    ),
    "hospital": ("coordinator.cli.hospitals:hospital", "Take hospitals in, vet them, list them."),
    "part": ("coordinator.cli.printers:part", "List the parts that can be asked for."),
    "need": ("coordinator.cli.needs:need", "File, follow and cancel what hospitals need."),
    "invite": ("coordinator.cli.access:invite", "Invite a maker with printers."),
    "agent": ("coordinator.cli.agents:agent", "List who joined; take access back; makers' own pages."),
    "printer": ("coordinator.cli.printers:printer", "List the printers and what they do."),
    "attempt": ("coordinator.cli.attempts:attempt", "Plates on printers: stop, inspect, collect."),
    "pickup": ("coordinator.cli.makers:pickup", "See where something waits; go there."),
    "parcel": ("coordinator.cli.parcels:parcel", "Pack and send."),
    "ledger": ("coordinator.cli.ledgers:ledger", "Check that every unit stands where it should."),
    "audit-log": ("coordinator.cli.audit_log:audit_log", "Who did what, and whether that record is whole."),
    "privacy": ("coordinator.cli.privacy:privacy", "Hand out what is held of somebody, or take it away."),
    "backup": ("coordinator.cli.backups:backup", "Keep all that can't be made again in one file."),
    "restore": ("coordinator.cli.backups:restore", "Bring a back-up back, also into another database."),
    "keys": ("coordinator.cli.keys:keys", "Change, revoke and lock away the keys that sign; sign parts."),
    "broker-config": ("coordinator.cli.brokers:broker_config", "Write the files for a Mosquitto of its own."),
    "person": (
        "coordinator.cli.people:person",
        "Take people in, give them roles, reset and disable accounts.",
    ),
    "login": ("coordinator.cli.access:login", "Print a link that lets one browser in as administrator."),
}
"""Where each command stands, and its line in the help."""


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "muster serve",
        'muster hospital add --name "Hospital Clínic" --contact ops@clinic.example \\',
        "    --latitude 41.389 --longitude 2.153",
        "muster hospital approve h-k7m2p9xqrt",
        "muster need file --hospital h-k7m2p9xqrt --part ear-saver --quantity 24",
        "muster need list",
    ),
)
@click.version_option(package_name="muster", message="muster %(version)s")
@remote_options
def muster() -> None:
    """Call up volunteers' 3D printers, and get hospitals what they need.

    `serve` runs the coordinator. The other commands talk to one that runs, on this machine or elsewhere:
    they find its address and key in its data directory, or in MUSTER_URL and MUSTER_KEY. `ledger verify`,
    `audit-log`, `backup`, `restore`, `broker-config` and `keys` work on this machine's data themselves, so they need no
    coordinator.
    """


def main() -> None:
    """The command `muster`; ends the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that can't show a sign is no reason to fail
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code: 0 done, 1 trouble, 2 asked wrongly or refused."""
    try:
        code: object = muster.main(list(arguments), prog_name="muster", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "muster"
        message = line(error.format_message()).rstrip(".")
        return _complain(f"{where}: {message} (see `{where} --help`)", error.exit_code)
    except click.ClickException as error:
        return _complain(f"muster: {line(error.format_message())}", error.exit_code)
    except click.Abort:
        return _complain("muster: stopped", 130)
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int) -> int:
    click.echo(message, err=True)
    return code
