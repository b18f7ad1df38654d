"""Validators of JSON Schemas, as plain Python that is generated from the schemas' files.

Where there is no bundle, such as in unit tests, a validator is generated on first use. In a bundle,
the code that `generate` returns takes the place of this module: a cold start neither generates
validators nor imports the library that does.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

Validator = Callable[[Any], Any]
"""Returns a valid value, and raises `Violations` for any other."""

_IMPORT = "from fastjsonschema import JsonSchemaValueException, JsonSchemaValuesException"
_MODULE = '''"""The validators of a bundle's JSON Schemas, generated from them when it was built."""

from functools import cache
from pathlib import Path

from orderflow.violation import Violation as JsonSchemaValueException
from orderflow.violation import Violations as JsonSchemaValuesException

{code}

VALIDATORS = {{
{validators}
}}


@cache
def validator(path):
    """Return the validator of a schema's file."""
    name = path.relative_to(Path(__file__).parents[1])
    return VALIDATORS[f"file:///{{name.as_posix()}}"]
'''


@cache
def validator(path: Path) -> Validator:
    """Return the validator of a schema's file."""
    uri = path.as_uri()
    module: dict[str, Any] = {}
    exec(generate([uri]), module)  # noqa: S102 - the code comes from the next function
    generated: Validator = module["VALIDATORS"][uri]
    return generated


def generate(uris: Sequence[str], read: Callable[[str], Any] | None = None) -> str:
    """Return a module with the validators of schemas; what they share is in it once.

    Args:
        uris: The schemas, as `file:` URIs. References are relative to them.
        read: Returns the schema of a URI; None reads the files.
    """
    import fastjsonschema  # noqa: PLC0415 - neither a bundle nor a cold start has it
    from fastjsonschema.ref_resolver import RefResolver  # noqa: PLC0415

    everything = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {str(number): {"$ref": uri} for number, uri in enumerate(uris)},
    }
    code = fastjsonschema.compile_to_code(
        everything, handlers={"file": read} if read else {}, fast_fail=False
    )
    if _IMPORT not in code:
        raise RuntimeError("fastjsonschema generates other code than before")
    names = {uri: RefResolver.from_schema({"$id": uri}).get_scope_name() for uri in uris}
    validators = "\n".join(f"    {uri!r}: {name}," for uri, name in names.items())
    return _MODULE.format(code=code.replace(_IMPORT, ""), validators=validators)
