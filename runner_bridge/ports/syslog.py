"""Lines for the system's log: a datagram each, to a socket of this machine or to a server over UDP (RFC 3164)."""

from __future__ import annotations

import logging
import socket
from logging.handlers import SYSLOG_UDP_PORT, SysLogHandler
from pathlib import Path
from typing import Final

from runner_bridge.core.errors import SettingsError

SCHEME: Final = "syslog:"
LOCAL: Final = "/dev/log"
SEND_S: Final = 2.0
"""How long a log that takes nothing may hold up who writes to it."""


class Syslog:
    """
    An open way to the system's log. Close it when done.

    Args of the constructor:
        address: `syslog:` for the socket of this machine, `syslog:/path` for another one, `syslog://HOST[:PORT]` for a
            server.

    Raises:
        SettingsError: the address is none, or nobody listens on the socket.
    """

    def __init__(self, address: str) -> None:
        where = _where(address)
        try:
            if isinstance(where, str) and not Path(where).is_socket():
                message = "there is no such socket"
                raise FileNotFoundError(message)
            self._handler = _Handler(where, facility=SysLogHandler.LOG_USER)
        except OSError as error:
            message = (
                f"{address}: the system's log cannot be reached: {error.strerror or error}. "
                "Write syslog:, syslog:/PATH/OF/A/SOCKET, or syslog://HOST:514."
            )
            raise SettingsError(message) from error
        self._handler.ident = "runner-bridge: "

    def send(self, line: str) -> None:
        """
        Send one line.

        Raises:
            OSError: it could not be sent. Over UDP nobody says so when it was lost.
        """
        self._handler.emit(logging.LogRecord("runner-bridge", logging.INFO, "", 0, line, None, None))

    def close(self) -> None:
        """Close the socket."""
        self._handler.close()


class _Handler(SysLogHandler):
    """The library's, which raises what goes wrong instead of printing it."""

    def createSocket(self) -> None:  # noqa: N802 - the library's name
        super().createSocket()
        made: socket.socket | None = vars(self).get("socket")
        if made is not None:
            made.settimeout(SEND_S)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the library's name
        raise  # noqa: PLE0704 - it is called while the error is handled


def _where(address: str) -> str | tuple[str, int]:
    rest = address.removeprefix(SCHEME)
    if not rest.startswith("//"):
        return rest or LOCAL
    host, colon, port = rest[2:].rpartition(":") if ":" in rest.rpartition("]")[2] else (rest[2:], "", "")
    if not host or (colon and not (port.isdecimal() and 0 < int(port) < 65536)):
        message = f"{address}: is no address of a system's log. Write syslog://HOST:514."
        raise SettingsError(message)
    number = int(port) if port else SYSLOG_UDP_PORT
    try:
        found = socket.getaddrinfo(host.strip("[]"), number, type=socket.SOCK_DGRAM)
    except OSError as error:
        message = f"{address}: {host!r} cannot be found: {error.strerror or error}. Write the address of a server."
        raise SettingsError(message) from error
    return str(found[0][4][0]), number  # asked once: who writes must not wait for a name at each line
