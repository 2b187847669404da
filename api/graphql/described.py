"""Descriptions of the schema: the docstrings of types and resolvers are what a client reads."""

from inspect import cleandoc, getmodule
from types import ModuleType

from strawberry.types.base import StrawberryObjectDefinition


def describe(*modules: ModuleType) -> None:
    """Every type and field that these modules define has its docstring as description. Twice is harmless."""
    for module in modules:
        for found in vars(module).values():
            definition = getattr(found, "__strawberry_definition__", None)
            if isinstance(definition, StrawberryObjectDefinition) and getmodule(found) is module:
                _describe_type(found, definition)


def _describe_type(origin: type, definition: StrawberryObjectDefinition) -> None:
    if definition.description is None and origin.__doc__:
        definition.description = cleandoc(origin.__doc__)
    for field in definition.fields:
        resolver = field.base_resolver
        if field.description is None and resolver is not None and resolver.wrapped_func.__doc__:
            field.description = cleandoc(resolver.wrapped_func.__doc__)
