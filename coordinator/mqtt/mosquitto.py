"""Mosquitto's configuration as we write it: TLS both ways, and an agent reaches its own topics only.

Figures behind the limits stand in the design notes' table of brokers.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from coordinator.endpoint import Credentials
from coordinator.keys.ca import COORDINATOR
from wire import codec, topics

WINDOW = 500
"""Messages on their way to one client, not yet acknowledged; the link's queue holds more than that."""
QUEUE = 10_000
"""Messages waiting behind the window of one client, the coordinator mostly, before more are dropped."""
TOPIC_BYTES = 1024
"""Room for what a packet has besides its payload."""

FIRST = "# Written by Muster at every start: changes here are lost.\n"
READY = " running"
"""What Mosquitto 2 says last, once it listens: `mosquitto version 2.0.11 running`."""


def program() -> str | None:
    """Where the machine's Mosquitto is, if it has one; Debian's is outside an ordinary user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/local/sbin:/usr/sbin:/sbin")


def access_rules(revoked: Iterable[str] = ()) -> str:
    """The acl_file. `%u` is the common name of the client's certificate; no `+` or `#` gets into one.

    Agents that are `revoked` reach nothing, also on a connection that still stands: Mosquitto looks at a user's own
    rules before it looks at patterns, and takes the first that fits.
    """
    lines = [f"user {COORDINATOR}", f"topic readwrite {topics.ROOT}/#", ""]
    for name in sorted(revoked):
        lines += [f"user {name}", "topic deny #", ""]
    lines += [f"pattern write {topics.ROOT}/+/%u/up/{kind}" for kind in topics.UP]
    lines += [f"pattern read {topics.ROOT}/+/%u/down/{kind}" for kind in topics.DOWN]
    return "\n".join([*lines, ""])


def configuration(
    *, host: str, port: int, server: Credentials, rules: Path, revoked: Path, user: str, first: str = FIRST
) -> str:
    """The configuration file; `revoked` is the list of revoked certificates, read again with `rules` at a SIGHUP.

    `user` is who Mosquitto runs as when it is started by root: ourselves, so that keys stay readable to us
    only. The certificate's name is the client's id too, so that no agent can push another one off the broker.
    """
    return f"""\
{first}user {user}
persistence false
allow_anonymous false
acl_file {rules}
max_inflight_messages {WINDOW}
max_queued_messages {QUEUE}
max_packet_size {codec.LIMIT + TOPIC_BYTES}
set_tcp_nodelay true
connection_messages false
log_dest stderr
log_timestamp false
log_type error
log_type warning
log_type information

listener {port} {host}
cafile {server.ca}
certfile {server.certificate}
keyfile {server.key}
crlfile {revoked}
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
use_username_as_clientid true
"""
