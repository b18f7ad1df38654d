"""The picture of the flow: where each function, queue, table and arrow of a stage is drawn."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from workshop.stages import ALL, Flow, Function

EVERY_EVENT = "every event"

BUS = 30
"""The width of the event bus, which is at the left edge."""
BUFFER_LEFT, BUFFER_RIGHT = 132, 188
FUNCTION_LEFT, FUNCTION_RIGHT = 206, 374
QUEUE_LEFT, QUEUE_RIGHT = 404, 482
TABLE_LEFT, TABLE_RIGHT = 516, 640
LANE_LEFT, WIDTH = 192, 654
ENTRY = 86
"""The right edge of the customer's box."""

_GAP = 12
_LANE_HEAD = 30
_PORT = 30
"""The distance between two arrows of a function."""
_LOWEST = 58
"""The height of a function with one arrow."""
_ENTRY_ROW = 38
"""The height of the customer's arrow and box."""
_BUFFER = 16
"""The height of a buffer in front of one arrow."""
_FROM_EDGE = 16
"""The distance of the lines to a table and a queue from a function's upper and lower edge."""

Point = tuple[int, int]


@dataclass(frozen=True)
class Port:
    """An arrow between the bus and a function: the events' step, and its height."""

    step: str
    y: int
    incoming: bool


@dataclass(frozen=True)
class Node:
    """A function.

    Attributes:
        function: The function.
        y: Its upper edge.
        height: Its height.
        ports: Its arrows from and to the bus.
        has_queue: Whether it has dead-letter queues.
        is_entry: Whether customers invoke it.
        has_buffer: Whether its events wait in a queue in front of it.
    """

    function: Function
    y: int
    height: int
    ports: tuple[Port, ...]
    has_queue: bool
    is_entry: bool
    has_buffer: bool = False

    @property
    def key(self) -> str:
        """The function's key."""
        return self.function.key

    @property
    def table_y(self) -> int:
        """The height of the line to its table."""
        return self.y + _FROM_EDGE

    @property
    def queue_y(self) -> int:
        """The height of the line to its queue."""
        return self.y + self.height - _FROM_EDGE

    @property
    def buffer(self) -> tuple[int, int]:
        """The upper edge and the height of its buffer, in which all received events wait."""
        lines = [port.y for port in self.ports if port.incoming]
        return lines[0] - _BUFFER // 2, lines[-1] - lines[0] + _BUFFER

    @property
    def entry_y(self) -> int:
        """The height of the customer's arrow."""
        return self.y + _FROM_EDGE

    def port_y(self, step: str, *, incoming: bool) -> int | None:
        """Return the height of a step's arrow; None if there is none."""
        for port in self.ports:
            if port.incoming == incoming and port.step in {step, EVERY_EVENT}:
                return port.y
        return None


@dataclass(frozen=True)
class Lane:
    """A stage: its title, its functions, and its table if it has one."""

    title: str
    number: int
    y: int
    height: int
    nodes: tuple[Node, ...]
    table: str
    """Empty for a stage without one."""

    @property
    def table_y(self) -> int:
        """The middle of the table."""
        return (self.nodes[0].y + self.nodes[-1].y + self.nodes[-1].height) // 2


@dataclass(frozen=True)
class Picture:
    """The picture of a stack.

    Attributes:
        lanes: The stages, from the top.
        bus_y: The upper edge of the bus.
        height: The picture's height.
        nodes: Key → function.
    """

    lanes: tuple[Lane, ...]
    bus_y: int
    height: int
    nodes: Mapping[str, Node]

    def delivery(self, step: str, producer: str, consumer: str) -> tuple[Point, ...]:
        """Return the way of an event from its producer to a consumer.

        An event of an unknown producer starts at the top of the bus. Without an arrow to the
        consumer, the way is empty.
        """
        end = self._port(consumer, step, incoming=True)
        if end is None:
            return ()
        middle = BUS // 2
        return (*self.publication(step, producer), (middle, end), (FUNCTION_LEFT, end))

    def publication(self, step: str, producer: str) -> tuple[Point, ...]:
        """Return the way of an event from its producer to the bus."""
        start = self._port(producer, step, incoming=False)
        if start is None:
            return ((BUS // 2, self.bus_y),)
        return ((FUNCTION_LEFT, start), (BUS // 2, start))

    def dead_letter(self, consumer: str) -> tuple[Point, ...]:
        """Return the way from a function to its queue; empty if it has none."""
        node = self.nodes.get(consumer)
        if node is None or not node.has_queue:
            return ()
        return ((FUNCTION_RIGHT, node.queue_y), (QUEUE_LEFT, node.queue_y))

    def _port(self, key: str, step: str, *, incoming: bool) -> int | None:
        node = self.nodes.get(key)
        return node.port_y(step, incoming=incoming) if node else None


def picture_of(
    flow: Flow,
    functions: Collection[str],
    tables: Collection[str],
    queues: Collection[str],
    buffers: Collection[str] = (),
) -> Picture:
    """Return the picture of a stack.

    Args:
        flow: All stages.
        functions: The keys of the stack's functions; one that no stage has is left out.
        tables: The keys of its tables.
        queues: The keys of the functions with dead-letter queues.
        buffers: The keys of the functions with a buffer.
    """
    y, lanes = 0, []
    known = [each for each in flow.functions.values() if each.key in functions]
    published = {step for each in known for step in each.publishes}
    for stage in flow.stages:
        nodes, lower = [], y + _LANE_HEAD
        for each in known:
            if each in stage.functions:
                is_entry, has_queue = each == flow.good_path[0], each.key in queues
                node = _node(each, lower, published, has_queue=has_queue, is_entry=is_entry)
                node = replace(node, has_buffer=each.key in buffers)
                nodes.append(node)
                lower += node.height + _GAP
        if nodes:
            table = stage.table.name if stage.table and stage.table.name in tables else ""
            title = stage.title.capitalize()
            lanes.append(Lane(title, stage.number, y, lower - y, tuple(nodes), table))
            y = lower + _GAP
    found = {node.key: node for lane in lanes for node in lane.nodes}
    entries = [node.entry_y + _PORT // 2 for node in found.values() if node.is_entry]
    return Picture(tuple(lanes), min(entries, default=0), max(y - _GAP, 0), found)


def _node(
    function: Function, y: int, published: Collection[str], *, has_queue: bool, is_entry: bool
) -> Node:
    """Return a function with its arrows below each other; received events come first."""
    received = (EVERY_EVENT,) if function.consumes == (ALL,) else function.consumes
    arrows = [(step, True) for step in received if step in published or step == EVERY_EVENT]
    arrows += [(step, False) for step in function.publishes]
    above, below = is_entry * _ENTRY_ROW, len(arrows) * _PORT
    height = max(_LOWEST, above + below + 2)
    first = y + above + (height - above - below) // 2 + _PORT // 2
    ports = [
        Port(step, first + number * _PORT, incoming)
        for number, (step, incoming) in enumerate(arrows)
    ]
    return Node(function, y, height, tuple(ports), has_queue, is_entry)
