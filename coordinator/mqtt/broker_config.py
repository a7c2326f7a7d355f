"""The files for a Mosquitto that is not our child, but a service of its own machine or of ours."""

from collections.abc import Sequence
from pathlib import Path

from coordinator.endpoint import Credentials
from coordinator.keys.ca import Authority, publish
from coordinator.model.records import RevocationList
from coordinator.mqtt import mosquitto
from coordinator.mqtt.broker import FOR_GROUP, REVOKED, RULES, write_lists

_HEAD = """\
# Written by `muster broker-config`. To have Debian's Mosquitto run by it, as root:
#
#   install -d -o muster -g mosquitto -m 2750 {directory}
#       before anything else; and as the user muster, with the settings of the coordinator:
#       muster --config /etc/muster/coordinator.toml broker-config {directory} --name {name}
#   install -D -m 644 {directory}/mosquitto.service.conf /etc/systemd/system/mosquitto.service.d/muster.conf
#       Mosquitto is then started with this file alone.
#   install -m 644 {directory}/muster-broker-reload.* /etc/systemd/system/
#       When somebody is revoked, the coordinator writes {rules} and {revoked} here, and may do no more:
#       these units watch for that, and have Mosquitto read them. Without them a revoked agent is not heard any more
#       either, but its connection is only ended until it comes back.
#   install -D -m 644 {directory}/muster-coordinator.service.conf \\
#       /etc/systemd/system/muster-coordinator.service.d/broker.conf
#       The coordinator may write into this directory.
#   systemctl daemon-reload && systemctl enable --now muster-broker-reload.path && systemctl restart mosquitto
#
# Then put what stands in {directory}/coordinator.toml into the coordinator's settings, and start it again.
# Again with the same DIRECTORY, `muster broker-config` makes a new server certificate (it is good for 825 days).
"""

_RELOAD_PATH = """\
[Unit]
Description=Watches whom Muster's coordinator has revoked

[Path]
PathChanged={revoked}

[Install]
WantedBy=multi-user.target
"""

_RELOAD_SERVICE = """\
[Unit]
Description=Has Mosquitto read whom Muster's coordinator has revoked
# Several at once are no reason to stop watching.
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/bin/systemctl reload mosquitto.service
"""

_SERVICE = """\
[Service]
ExecStart=
ExecStart={program} -c {configuration}
# A connection for each agent.
LimitNOFILE=65536
"""

_COORDINATOR = """\
[Service]
ReadWritePaths={directory}
"""

_SETTINGS = """\
[broker]
kind = "external"
url = "mqtts://{name}:{port}"
directory = "{directory}"
"""


def write(
    directory: Path,
    authority: Authority,
    revocations: RevocationList,
    *,
    host: str,
    port: int,
    names: Sequence[str],
    user: str,
    pid_file: str = "",
) -> list[Path]:
    """Write all of them into `directory`, over those that are there; `names` are what the broker is reached by.

    Raises:
        StartError: the directory can't be written.
    """
    directory = directory.absolute()
    configuration = directory / "mosquitto.conf"
    own = authority.issue_server(names, directory)
    for path in (own.certificate, own.key):
        publish(path, path.read_bytes(), replace=True, mode=FOR_GROUP)
    server = Credentials(directory / "ca.crt", own.certificate, own.key)
    revoked = directory / REVOKED
    head = _HEAD.format(directory=directory, name=names[0], rules=RULES, revoked=REVOKED)
    text = mosquitto.configuration(
        host=host, port=port, server=server, rules=directory / RULES, revoked=revoked, user=user, first=head
    )
    settings = _SETTINGS.format(name=names[0], port=port, directory=directory)
    if pid_file:
        text += f"pid_file {pid_file}\n"
        settings += f'pid_file = "{pid_file}"\n'
    program = mosquitto.program() or "/usr/sbin/mosquitto"
    files = {
        server.ca: authority.certificate,
        configuration: text,
        directory / "mosquitto.service.conf": _SERVICE.format(program=program, configuration=configuration),
        directory / "muster-broker-reload.path": _RELOAD_PATH.format(revoked=revoked),
        directory / "muster-broker-reload.service": _RELOAD_SERVICE,
        directory / "muster-coordinator.service.conf": _COORDINATOR.format(directory=directory),
        directory / "coordinator.toml": settings,
    }
    for path, content in files.items():
        publish(path, content.encode(), replace=True, mode=FOR_GROUP)
    write_lists(directory, authority, revocations, FOR_GROUP)
    return [*files, own.certificate, own.key, directory / RULES, revoked]
