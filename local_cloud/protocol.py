"""Constants that the control client and the server share."""

PREFIX = "/_workshop/"
HEADER = "X-Workshop-Control"
"""A header with any value, because a web page cannot send it."""

STATE_FILE = "cloud.json"
"""The server writes it when it is ready."""
SERVER_FILE = "server.json"
"""Written as soon as the server has the directory: identifies it if the other file is damaged."""
STOPPING_FILE = "stopping"
"""Exists while a server waits for events and stores its stack."""
LOG_FILE = "cloud.log"
SERVER_LOCK = "server.lock"
START_LOCK = "start.lock"

EXIT_PORT_IN_USE = 3
EXIT_DIRECTORY_IN_USE = 4
EXIT_INCOMPATIBLE = 5
EXIT_SNAPSHOT_UNREADABLE = 6
