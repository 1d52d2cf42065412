"""The key codes that a server knows, from its schema."""

from __future__ import annotations

from qmpsh.schema.model import EnumType, Schema
from qmpsh.schema.walk import descend


def key_codes(schema: Schema | None) -> tuple[str, ...]:
    """Return the words of QKeyCode, () where the schema has none.

    It has no name in a schema: it is what `send-key keys=[{type: qcode, data: ...}]` takes.
    """
    arguments = schema.arguments("send-key") if schema is not None else None
    if schema is None or arguments is None:
        return ()
    words = descend(schema, arguments, ("keys", "0", "data"), lambda tag: "qcode")
    return words.names() if isinstance(words, EnumType) else ()
