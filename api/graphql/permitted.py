"""Permissions of an operation: every root field it names is checked before anything of it runs.

A key that may not do one part of an operation does none of it: a mutation is never half done for want of a scope.
"""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_operation_ast,
)
from strawberry.extensions import SchemaExtension

from api.permissions import FIELDS

FORBIDDEN = "FORBIDDEN"
_TYPENAME = "__typename"


class Permissions(SchemaExtension):
    """Every root field is checked against the one table; introspection against the settings."""

    def __init__(self, *, introspection: bool) -> None:
        self._introspection = introspection

    def on_execute(self) -> Iterator[None]:
        running = self.execution_context
        document = running.graphql_document
        assert document is not None
        operation = get_operation_ast(document, running.operation_name)
        if operation is None:  # never run what was not checked
            refused = [_forbidden("the operation is not named; expected operationName to name one of the document")]
        else:
            refused = list(self._refused(document, operation, running.context.caller.scopes))
        if refused:
            running.result = ExecutionResult(data=None, errors=refused)
        yield

    def _refused(
        self, document: DocumentNode, operation: OperationDefinitionNode, scopes: frozenset[str]
    ) -> Iterator[GraphQLError]:
        kind = operation.operation.value.capitalize()
        for name in sorted(set(root_fields(document, operation.selection_set))):
            if name.startswith("__"):
                if not self._introspection and name != _TYPENAME:
                    yield _forbidden("introspection is off here; the schema is docs/schema.graphql")
                continue
            scope = FIELDS[f"{kind}.{name}"]
            if scope not in scopes:
                yield _forbidden(f"{name} needs the scope {scope!r}; the API key does not have it")


def root_fields(document: DocumentNode, selections: SelectionSetNode) -> Iterator[str]:
    """The names of the fields that these selections may run, through fragments. The document is valid: no cycles."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    seen: set[str] = set()
    waiting = [selections]
    while waiting:
        for selection in waiting.pop().selections:
            match selection:
                case FieldNode(name=name):
                    yield name.value
                case InlineFragmentNode(selection_set=inner):
                    waiting.append(inner)
                case FragmentSpreadNode(name=name) if name.value not in seen:
                    seen.add(name.value)
                    waiting.append(fragments[name.value].selection_set)


def _forbidden(sentence: str) -> GraphQLError:
    return GraphQLError(sentence, extensions={"code": FORBIDDEN})
