"""Parses text into a `Program` by walking a syntax tree of allowed nodes. No part of the text is ever evaluated.

The text is infix Python syntax over the primitives: `exp(sign(g) * sign(m)) * g`, `clip(adam, 1e-4) - drop(m, 0.3)`.
Every binary operation becomes a group, innermost and leftmost first. Earlier groups can be named:
`b1 = sqrt(v); m / b1`. An expression that is not a binary operation is multiplied by 1 to become a group.
"""

from __future__ import annotations

import ast
import functools
import unicodedata
import warnings
from collections.abc import Hashable
from typing import NamedTuple, NoReturn

from nos_tf.common.errors import excerpt, unknown
from nos_tf.dsl.entries import ATOM
from nos_tf.dsl.errors import ProgramError
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, MAX_GROUPS, OPERANDS, UNARY
from nos_tf.dsl.program import Program

MAX_LENGTH = 1_000  # Characters; programs print as fewer than 400.
_MAX_DEPTH = 40  # Nodes; four groups and the calls between them nest less deeply.
# Python's spelling of each of its binary operators and prefixes.
_SYMBOLS = {
    kind: ast.unparse(ast.BinOp(ast.Name("x"), kind(), ast.Name("y"))).split()[1]
    for kind in ast.operator.__subclasses__()
}
_PREFIXES = {
    kind: ast.unparse(ast.UnaryOp(kind(), ast.Name("x"))).removesuffix("x") for kind in ast.unaryop.__subclasses__()
}
_OPERAND_DEPTH = 3  # Nodes; no operand's own text nests more deeply.


def parse(text: str) -> Program:
    """Parses an update rule.

    Args:
      text: The rule, for example `"exp(sign(g) * sign(m)) * g"`.

    Returns:
      The program; `parse(str(program)) == program`.

    Raises:
      ProgramError: The text is not a program; the message gives the mistake, its column and, for an unknown name, the
        closest known one.
    """
    return _Parser(text).program()


class _Side(NamedTuple):
    operand: str
    unary: str = "identity"


class _Parser:
    def __init__(self, text: str):
        self._text = text
        self._tokens: list[str] = []

    def program(self) -> Program:
        statements = self._statements()
        for number, statement in enumerate(statements, start=1):
            is_last = number == len(statements)
            name, expression = self._named_expression(statement, is_last)
            side = self._side(expression, depth=0)
            if self._binary_operation(expression) is None:
                side = self._add_group(statement, side, _Side("1"), "*")
            if name is not None and name != side.operand:
                self._fail(statement, f"This statement ends in group {side.operand}, so it cannot be named {name}")
        return Program(tuple(self._tokens))

    def _statements(self) -> list[ast.stmt]:
        text = self._text
        if not isinstance(text, str):
            raise ProgramError(f"A rule is a string such as 'exp(sign(g) * sign(m)) * g'. Received: {excerpt(text)}")
        self._text = text = text.strip()
        if len(text) > MAX_LENGTH:
            raise ProgramError(f"A rule can have at most {MAX_LENGTH} characters. Received: {len(text)}")
        for column, character in enumerate(text, start=1):
            if not (character.isascii() and (character.isprintable() or character in "\t\n")):
                name = unicodedata.name(character, "a control character")
                raise ProgramError(f"Only plain ASCII is allowed. Received: {name}", text, column)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns about oddities in texts that are rejected below.
                statements = ast.parse(text).body
        except SyntaxError as error:
            column = self._column(error.lineno or 1, (error.offset or 1) - 1)
            raise ProgramError(f"Not an expression: {error.msg}", text, column) from None
        except (RecursionError, MemoryError, ValueError):
            raise ProgramError(f"Too deeply nested. Received: {excerpt(text)}") from None
        if not statements:
            raise ProgramError(
                f"The rule is empty; write, for example, 'exp(sign(g) * sign(m)) * g'. Received: {excerpt(text)}"
            )
        return statements

    def _named_expression(self, statement: ast.stmt, is_last: bool) -> tuple[str | None, ast.expr]:
        if isinstance(statement, ast.Expr) and is_last:
            return None, statement.value
        if isinstance(statement, ast.Expr):
            self._fail(statement, "Only the last statement can be unnamed; write 'b1 = ...'")
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            self._fail(statement, "A rule is an expression, or 'b1 = expression; expression'")
        target = statement.targets[0]
        if not isinstance(target, ast.Name) or target.id not in GROUP_NAMES:
            self._fail(target, f"Groups are named {', '.join(GROUP_NAMES)}")
        if is_last:
            self._fail(statement, "The last statement is the update and cannot have a name")
        return target.id, statement.value

    def _side(self, node: ast.expr, depth: int) -> _Side:
        """Reduces an expression to an operand under one unary function, adding the groups that this takes."""
        if depth > _MAX_DEPTH:
            self._fail(node, "Too deeply nested")
        if (token := self._operand(node)) is not None:
            return _Side(token)
        if (operation := self._binary_operation(node)) is not None:
            binary, left, right = operation
            first = self._side(left, depth + 1)
            return self._add_group(node, first, self._side(right, depth + 1), binary)
        unary, argument = self._unary_function(node)
        side = self._side(argument, depth + 1)
        if unary == "identity":
            return side
        if side.unary != "identity":
            side = self._add_group(node, side, _Side("1"), "*")
        return _Side(side.operand, unary)

    def _add_group(self, node: ast.AST, first: _Side, second: _Side, binary: str) -> _Side:
        count = len(self._tokens) // 5
        if count == MAX_GROUPS:
            self._fail(
                node, f"A rule can have at most {MAX_GROUPS} groups, one per binary operation; this one needs more"
            )
        self._tokens += [first.operand, second.operand, first.unary, second.unary, binary]
        return _Side(f"b{count + 1}")

    def _operand(self, node: ast.expr) -> str | None:
        """Token of an operand, or None for a larger expression."""
        if isinstance(node, ast.Name):
            return self._name(node, node.id)
        token = _operand_shapes(tuple(OPERANDS)).get(_shape(node))
        if token is None and isinstance(node, ast.Constant) and _shape(node) is not None:
            constants = [name for name, entry in OPERANDS.items() if entry.meaning and not entry.meaning.symbol]
            self._fail(node, f"The constants are {', '.join(constants)}")
        return token

    def _name(self, node: ast.AST, name: str) -> str:
        defined = GROUP_NAMES[: len(self._tokens) // 5]
        if name in OPERANDS or name in defined:
            return name
        if name in GROUP_NAMES:
            self._fail(node, f"A group can only read earlier groups; {name} is not one")
        if scaled := [token for token, entry in OPERANDS.items() if entry.meaning and entry.meaning.symbol == name]:
            self._fail(node, f"{name} cannot be read by itself, only as {', '.join(scaled)}")
        if name in (functions := _functions()):
            self._fail(node, f"{name} is a function; write {name}(...)")
        self._fail(node, unknown("name", name, [*OPERANDS, *functions, *defined]))

    def _binary_operation(self, node: ast.expr) -> tuple[str, ast.expr, ast.expr] | None:
        match node:
            case ast.BinOp(left=left, op=operator, right=right) if self._operand(node) is None:
                symbol = _SYMBOLS[type(operator)]
                if symbol not in (symbols := _operators()):
                    self._fail(node, f"Operators are {' '.join(symbols)}")
                return symbol, left, right
            case ast.Call(func=ast.Name(id=name), args=[left, right], keywords=[]) if name in _binary_functions():
                return name, left, right
        return None

    def _unary_function(self, node: ast.expr) -> tuple[str, ast.expr]:
        match node:
            case ast.UnaryOp(op=operator, operand=argument) if (
                name := _prefixes().get(_PREFIXES[type(operator)])
            ) is not None:
                return name, argument
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(node, name, arguments)
        self._fail(node, f"Only operands, {' '.join(_operators())} and the language's functions are allowed")

    def _call(self, node: ast.Call, name: str, arguments: list[ast.expr]) -> tuple[str, ast.expr]:
        if name not in (functions := _functions()):
            self._fail(node, unknown("function", name, functions))
        tokens = {entry.parameter: token for token, entry in UNARY.items() if entry.function == name}
        wanted = 1 if None in tokens else 2
        if len(arguments) != wanted or node.keywords:
            self._fail(node, f"{name} takes {wanted} argument{'s' * (wanted > 1)} and no keywords")
        if wanted == 1:
            return tokens[None], arguments[0]
        parameter = arguments[1]
        value = parameter.value if isinstance(parameter, ast.Constant) else None
        if isinstance(value, float) and value in tokens:
            return tokens[value], arguments[0]
        choices = ", ".join(token.removeprefix(f"{name}_") for token in tokens.values())
        self._fail(parameter, f"The second argument of {name} must be one of {choices}")

    def _column(self, line: int, offset: int) -> int:
        """Position in the whole text, counted from 1, of an offset in one of its lines."""
        before = sum(len(row) + 1 for row in self._text.split("\n")[: line - 1])
        return min(before + offset + 1, len(self._text) or 1)

    def _fail(self, node: ast.AST, message: str) -> NoReturn:
        column = self._column(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
        raise ProgramError(message, self._text, column)


def _functions() -> list[str]:
    return sorted({entry.function for entry in UNARY.values()}) + _binary_functions()


def _binary_functions() -> list[str]:
    return [name for name, entry in BINARY.items() if entry.binding == ATOM]


def _operators() -> list[str]:
    return [name for name, entry in BINARY.items() if entry.binding < ATOM]


def _prefixes() -> dict[str, str]:
    return {entry.text % "": name for name, entry in UNARY.items() if entry.binding < ATOM}


@functools.cache
def _operand_shapes(names: tuple[str, ...]) -> dict[Hashable, str]:
    """The token of each expression that is an operand's own text."""
    return {_shape(ast.parse(name, mode="eval").body): name for name in names}


def _shape(node: ast.expr, depth: int = _OPERAND_DEPTH) -> Hashable:
    """A key for small expressions that ignores how numbers and spaces are written; None for any other expression."""
    if depth == 0:
        return None
    match node:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=prefix, operand=argument):
            return type(prefix), _shape(argument, depth - 1)
        case ast.BinOp(left=left, op=operator, right=right):
            return type(operator), _shape(left, depth - 1), _shape(right, depth - 1)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return (name, *(_shape(argument, depth - 1) for argument in arguments))
    return None
