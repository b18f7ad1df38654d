"""What the control client and the server agree on."""

PREFIX = "/_workshop/"
HEADER = "X-Workshop-Control"
"""Any value will do: a web page cannot send it, which is the point."""

STATE_FILE = "cloud.json"
"""Written when it is ready."""
SERVER_FILE = "server.json"
"""Written as soon as it owns the directory: finds it when the other one is lost or damaged."""
STOPPING_FILE = "stopping"
"""Exists while a server waits for events and stores its stack."""
LOG_FILE = "cloud.log"
SERVER_LOCK = "server.lock"
START_LOCK = "start.lock"

EXIT_PORT_IN_USE = 3
EXIT_DIRECTORY_IN_USE = 4
EXIT_INCOMPATIBLE = 5
EXIT_SNAPSHOT_UNREADABLE = 6
