"""What the control client and the server agree on."""

PREFIX = "/_workshop/"
HEADER = "X-Workshop-Control"
"""Any value will do: a web page cannot send it, which is the point."""

STATE_FILE = "cloud.json"
LOG_FILE = "cloud.log"
SERVER_LOCK = "server.lock"
START_LOCK = "start.lock"

EXIT_PORT_IN_USE = 3
EXIT_DIRECTORY_IN_USE = 4
EXIT_INCOMPATIBLE = 5
