"""`muster broker-config`: the files for a Mosquitto that is a service of its own."""

import contextlib
import time
from pathlib import Path

import click
import msgspec

from coordinator.cli.formatting import example, line
from coordinator.cli.options import Wrong, common_options, config_option, json_option, load
from coordinator.errors import StartError


@click.command(
    "broker-config", epilog=example("muster broker-config /etc/mosquitto/muster --name broker.example.org")
)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--name", "names", multiple=True, required=True, help="Name or address that agents reach it by."
)
@click.option("--host", default="0.0.0.0", show_default=True, help="Where it listens.")  # noqa: S104  beyond loopback, on purpose: it is TLS only
@click.option("--port", type=click.IntRange(1, 65535), default=8883, show_default=True, help="Its TCP port.")
@click.option(
    "--user", default="mosquitto", show_default=True, help="Whom Mosquitto runs as, if root starts it."
)
@click.option(
    "--pid-file", default="", help="Where it writes its process id, if it runs as the coordinator's user."
)
@config_option
@json_option
@click.pass_context
def broker_config(
    context: click.Context,
    directory: Path,
    names: tuple[str, ...],
    host: str,
    port: int,
    user: str,
    pid_file: str,
) -> None:
    """Write all that a Mosquitto needs that runs as a service of its own, instead of as the coordinator's child.

    Configuration, access rules, the authority's certificate, the server's own with its key, the list of revoked
    certificates, and systemd's units. mosquitto.conf, which is one of them, says how to install them. Run it as the
    coordinator's user, on the coordinator's machine: it works with the keys in its data directory.
    """
    settings = load(common_options(context).config)
    from coordinator.agents import enrolment  # noqa: PLC0415
    from coordinator.keys.ca import Authority  # noqa: PLC0415
    from coordinator.model.records import RevocationList  # noqa: PLC0415
    from coordinator.mqtt import broker_config as files  # noqa: PLC0415  help comes at once
    from coordinator.store.engine import OpenMode, Store, file_of  # noqa: PLC0415

    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        authority = Authority(settings.directory / "keys", time.time)
        revocations, file = RevocationList(), file_of(settings.database_url)
        if file is None or file.exists():
            with (
                contextlib.closing(Store(settings.database_url, OpenMode.AS_IT_IS)) as store,
                store.read() as tx,
            ):
                revocations = enrolment.revocations(tx, time.time())
        written = files.write(
            directory, authority, revocations, host=host, port=port, names=names, user=user, pid_file=pid_file
        )
    except StartError as error:
        raise Wrong(line(str(error))) from None
    except OSError as error:
        raise Wrong(f"can't use {directory}: {error.strerror}") from None
    if common_options(context).json:
        click.echo(
            msgspec.json.format(msgspec.json.encode({"files": [str(each) for each in written]}), indent=2)
        )
    else:
        click.echo(
            f"{len(written)} files are in {directory}; {directory / 'mosquitto.conf'} says how to install them"
        )
