"""The key codes that a server knows, from its schema."""

from __future__ import annotations

from qmpsh.schema.model import ArrayType, EnumType, ObjectType, Schema


def key_codes(schema: Schema | None) -> tuple[str, ...]:
    """Return the words of QKeyCode, () where the schema has none.

    It has no name in a schema: it is what `send-key keys=[{type: qcode, data: ...}]` takes.
    """
    arguments = schema.arguments("send-key") if schema is not None else None
    keys = arguments.member("keys") if arguments is not None else None
    if schema is None or keys is None:
        return ()
    found = schema.type(keys.type)
    value = schema.type(found.element) if isinstance(found, ArrayType) else found
    branch = schema.branch(value, "qcode") if isinstance(value, ObjectType) else None
    code = branch.member("data") if branch is not None else None
    words = schema.type(code.type) if code is not None else None
    return words.names() if isinstance(words, EnumType) else ()
