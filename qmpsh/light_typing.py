"""What `typing` and `enum` are needed for at run time, without what they take of every start.

`TYPE_CHECKING` is true for type checkers alone, which take `NamedTuple` for that of `typing`.
Here a NamedTuple class takes a fifteenth of the time to make: no annotation is compiled and no
constructor written, and the more than a hundred of them are made at each start of the screen.
An Enum class takes a tenth: its members are constants, which may have any name in capitals.
"""

from __future__ import annotations

from collections import _tuplegetter, namedtuple  # type: ignore[attr-defined]  # the reader of one field

TYPE_CHECKING = False

if TYPE_CHECKING:
    from enum import Enum as Enum
    from enum import auto as auto
    from typing import NamedTuple as NamedTuple
else:

    class _Record(tuple):
        """The methods of every NamedTuple class: what `collections.namedtuple` documents."""

        __slots__ = ()

        def __new__(cls, *values, **named):
            if named or len(values) != len(cls._fields):
                values = _bind(cls, values, named)
            return tuple.__new__(cls, values)

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            shown = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({shown})"

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, /, **named):
            values = dict(zip(self._fields, self, strict=True)) | named
            if len(values) > len(self):
                unknown = " or ".join(name for name in named if name not in self._fields)
                raise TypeError(f"{type(self).__name__} has no field {unknown}")
            return tuple.__new__(type(self), values.values())

    _MANY = 100
    _counts = {}
    """how often each class was made with names, or with defaults"""

    def _bind(cls, values, named):
        """Return the values of all fields in order. Raises TypeError as any function does."""
        fields = cls._fields
        count = _counts[cls] = _counts.get(cls, 0) + 1
        if count == _MANY:
            # In a long script it pays to compile the constructor that `typing` gives every class.
            cls.__new__ = namedtuple(cls.__name__, fields, defaults=cls._defaults).__new__
        missing = len(fields) - len(values)
        if not named and 0 < missing <= len(cls._defaults):
            return values + cls._defaults[-missing:]
        filled = cls._field_defaults | named
        filled.update(zip(fields, values, strict=False))
        if len(filled) == len(fields) >= len(values) and named.keys().isdisjoint(
            fields[: len(values)]
        ):
            return [filled[name] for name in fields]
        raise TypeError(f"{cls.__name__}{fields} cannot be made of {values} and {named}")

    class _NamedTupleMaker(type):
        """Turns the body of a class `Name(NamedTuple)` into a class of tuples."""

        def __new__(cls, name, bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            defaults = {field: namespace[field] for field in fields if field in namespace}
            getters = {field: _tuplegetter(place, "") for place, field in enumerate(fields)}
            return type(
                name,
                (_Record,),
                {
                    **namespace,
                    **getters,
                    "__slots__": (),
                    "__match_args__": fields,
                    "_fields": fields,
                    "_field_defaults": defaults,
                    "_defaults": tuple(defaults.values()),
                },
            )

    NamedTuple = type.__new__(_NamedTupleMaker, "NamedTuple", (), {})

    class auto:
        """The value of a member that has only to be another than those of the rest."""

    class _EnumMaker(type):
        """Turns the body of a class `Name(Enum)` into a class with members."""

        def __new__(cls, name, bases, namespace):
            values = {each: namespace[each] for each in namespace if each.isupper()}
            made = super().__new__(cls, name, bases, namespace)
            made.__members__ = members = {}
            for place, (each, value) in enumerate(values.items(), 1):
                member = object.__new__(made)
                member.name = each
                member.value = place if type(value) is auto else value
                members[each] = member
                setattr(made, each, member)
            return made

        def __iter__(cls):
            return iter(cls.__members__.values())

        def __len__(cls):
            return len(cls.__members__)

        def __getitem__(cls, name):
            return cls.__members__[name]

        def __call__(cls, value):
            for member in cls:
                if member.value == value:
                    return member
            raise ValueError(f"{value!r} is not a valid {cls.__qualname__}")

    class Enum(metaclass=_EnumMaker):
        """A closed set of constants: what `enum.Enum` documents of its members."""

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

        def __str__(self):
            return f"{type(self).__name__}.{self.name}"

        def __reduce_ex__(self, protocol):
            return type(self), (self.value,)

        def __copy__(self):
            return self

        def __deepcopy__(self, memo):
            return self
