"""The schema of a transaction's lines.

In a transaction the commands are its actions, and the types are the server's. Each line between
`transaction(` and `)` is one element of `actions`: its name is a value of the element's tag, its
arguments are the members of `data` in that value's branch. Given this schema, the code that reads,
checks or completes commands does the same for actions.
"""

from __future__ import annotations

from qmpsh.schema.model import EMPTY, CommandInfo, EnumType, ObjectType, Schema, Type
from qmpsh.schema.walk import descend


class ActionSchema(Schema):
    """The schema of a transaction's lines.

    schema:  the server's
    element: the type of an element of `actions`, a union
    kinds:   the values of its tag
    """

    def __init__(self, schema: Schema, element: ObjectType, kinds: EnumType) -> None:
        super().__init__(lambda name: None, kinds.names(), schema.events)
        self.binding = schema.binding
        self._schema = schema
        self._element = element
        self._kinds = kinds

    def command(self, name: str) -> CommandInfo | None:
        """Return what is known of an action; None if there is none of that name."""
        kind = next((kind for kind in self._kinds.members if kind.name == name), None)
        return CommandInfo(name, "", "", False, kind.features) if kind is not None else None

    def type(self, name: str) -> Type:
        """Return the server's type of that name."""
        return self._schema.type(name)

    def arguments(self, command: str) -> ObjectType | None:
        """Return the type of an action's data; None for an unknown action."""
        if self.command(command) is None:
            return None
        data = descend(self._schema, self._element, ("data",), lambda path: command)
        return data if isinstance(data, ObjectType) else EMPTY


def actions_of(schema: Schema) -> ActionSchema | None:
    """Return the schema of `transaction`'s actions; None if it is missing or differently built."""
    arguments = schema.arguments("transaction")
    element = arguments and descend(schema, arguments, ("actions", "0"), lambda path: None)
    tag = element.member(element.tag or "") if isinstance(element, ObjectType) else None
    kinds = schema.type(tag.type) if tag is not None else None
    if isinstance(element, ObjectType) and isinstance(kinds, EnumType):
        return ActionSchema(schema, element, kinds)
    return None
