"""The size of the bundles, and the share of their dependencies."""

import io
import zipfile

from devtools.bench.figures import Figure
from workshop.deployment.bundles import SIZE_LIMIT, Bundle


def figure(made: list[Bundle]) -> Figure:
    """Measure the largest bundle, compared with one of its dependencies alone."""
    largest = max(made, key=lambda bundle: bundle.path.stat().st_size)
    size = largest.path.stat().st_size
    return Figure(
        "bundle, the largest",
        "MB",
        size / 1e6,
        f"≤ {SIZE_LIMIT / 1e6:g} MB",
        size <= SIZE_LIMIT,
        dependencies_alone(largest) / 1e6,
        note=f"{largest.package}; floor: the dependencies alone",
    )


def dependencies_alone(bundle: Bundle) -> int:
    """Return the bytes a bundle would have without any code of this repository."""
    ours = {bundle.package, "orderflow"}
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(bundle.path) as whole,
        zipfile.ZipFile(buffer, "w", compresslevel=9) as alone,
    ):
        for entry in whole.infolist():
            if entry.filename.partition("/")[0] not in ours:
                alone.writestr(entry, whole.read(entry), compresslevel=9)
    return len(buffer.getvalue())
