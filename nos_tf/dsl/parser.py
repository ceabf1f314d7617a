"""Text to `Program`, by walking a syntax tree of allowed nodes. Nothing of the text is ever evaluated.

The text is infix Python syntax over the primitives: `exp(sign(g) * sign(m)) * g`, `clip(adam, 1e-4) - drop(m, 0.3)`.
Every binary operation becomes a group, innermost and leftmost first. Earlier groups can be named:
`b1 = sqrt(v); m / b1`. An expression that is no binary operation becomes a group by `* 1`.
"""

from __future__ import annotations

import ast
import unicodedata
import warnings
from typing import NamedTuple, NoReturn

from nos_tf.dsl.errors import ProgramError
from nos_tf.dsl.primitives import BINARY, GROUP_NAMES, MAX_GROUPS, OPERANDS, UNARY
from nos_tf.dsl.program import Program
from nos_tf.errors import excerpt, unknown

MAX_LENGTH = 1_000  # Characters; the longest text that a program prints as is below 400.
_MAX_DEPTH = 40  # Nodes; four groups and the calls between them nest less deeply.

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_ONE_ARGUMENT = {name for name, entry in UNARY.items() if entry.text == f"{name}(%s)"}
# Functions with a parameter, as clip(x, 1e-5): name -> value of the parameter -> token.
_PARAMETERS: dict[str, dict[float, str]] = {}
for _token in UNARY:
    _name, _, _value = _token.partition("_")
    if _value:
        _PARAMETERS.setdefault(_name, {})[float(_value)] = _token
_FUNCTIONS = [*sorted(_ONE_ARGUMENT), *_PARAMETERS, "neg", "left"]
_CONSTANTS = {float(name): name for name in OPERANDS if name.isdigit()}
_WEIGHT_SCALES = {float(name.removesuffix("*w")): name for name in OPERANDS if name.endswith("*w")}
_GRADIENT_POWERS = {float(name.removeprefix("g**")): name for name in OPERANDS if name.startswith("g**")}


def parse(text: str) -> Program:
    """Reads an update rule.

    Args:
      text: For example `"exp(sign(g) * sign(m)) * g"`.

    Returns:
      The program; `parse(str(program)) == program`.

    Raises:
      ProgramError: The text is no program; the message names the mistake, its column and, for an unknown name, the
        nearest known one.
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
            raise ProgramError(f"A rule is a text such as 'exp(sign(g) * sign(m)) * g'. Received: {excerpt(text)}")
        self._text = text = text.strip()
        if not text:
            raise ProgramError("The rule is empty; write for example 'exp(sign(g) * sign(m)) * g'")
        if len(text) > MAX_LENGTH:
            raise ProgramError(f"A rule has at most {MAX_LENGTH} characters. Received: {len(text)}")
        for column, character in enumerate(text, start=1):
            if not (character.isascii() and (character.isprintable() or character in "\t\n")):
                name = unicodedata.name(character, "a control character")
                raise ProgramError(f"Only plain ASCII is read. Received: {name}", text, column)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns of oddities in texts that are rejected below.
                return ast.parse(text).body
        except SyntaxError as error:
            column = self._column(error.lineno or 1, (error.offset or 1) - 1)
            raise ProgramError(f"Not an expression: {error.msg}", text, column) from None
        except (RecursionError, MemoryError, ValueError):
            raise ProgramError(f"Too deeply nested. Received: {excerpt(text)}") from None

    def _named_expression(self, statement: ast.stmt, is_last: bool) -> tuple[str | None, ast.expr]:
        if isinstance(statement, ast.Expr) and is_last:
            return None, statement.value
        if isinstance(statement, ast.Expr):
            self._fail(statement, "Only the last statement may be without a name; write 'b1 = ...'")
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            self._fail(statement, "A rule is an expression, or 'b1 = expression; expression'")
        target = statement.targets[0]
        if not isinstance(target, ast.Name) or target.id not in GROUP_NAMES:
            self._fail(target, f"Groups are named {', '.join(GROUP_NAMES)}")
        if is_last:
            self._fail(statement, "The last statement is the update, and has no name")
        return target.id, statement.value

    def _side(self, node: ast.expr, depth: int) -> _Side:
        """Reduces an expression to an operand under one unary function, adding the groups that it takes."""
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
                node, f"A rule has at most {MAX_GROUPS} groups, one for each binary operation; this one needs more"
            )
        self._tokens += [first.operand, second.operand, first.unary, second.unary, binary]
        return _Side(f"b{count + 1}")

    def _operand(self, node: ast.expr) -> str | None:
        """Token of an operand, or None for a larger expression."""
        match node:
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self._constant(node, value)
            case ast.BinOp(left=ast.Constant(value=int() | float() as value), op=ast.Mult(), right=ast.Name(id="w")):
                return _WEIGHT_SCALES.get(value)
            case ast.BinOp(left=ast.Name(id="g"), op=ast.Pow(), right=ast.Constant(value=int() | float() as value)):
                return _GRADIENT_POWERS.get(value)
            case ast.Call(func=ast.Name(id="sign"), args=[ast.Name(id=name)]) if f"sign({name})" in OPERANDS:
                return f"sign({name})" if not node.keywords else None
        return None

    def _name(self, node: ast.AST, name: str) -> str:
        defined = GROUP_NAMES[: len(self._tokens) // 5]
        if name in OPERANDS or name in defined:
            return name
        if name in GROUP_NAMES:
            self._fail(node, f"A group can only read groups before it; {name} is not one")
        if name == "w":
            self._fail(node, f"Weights are read scaled: {', '.join(_WEIGHT_SCALES.values())}")
        if name in _FUNCTIONS:
            self._fail(node, f"{name} is a function; write {name}(...)")
        self._fail(node, unknown("name", name, [*OPERANDS, *_FUNCTIONS, *defined]))

    def _constant(self, node: ast.AST, value: float) -> str:
        if (token := _CONSTANTS.get(value)) is None:
            self._fail(node, f"The constants are {', '.join(_CONSTANTS.values())}")
        return token

    def _binary_operation(self, node: ast.expr) -> tuple[str, ast.expr, ast.expr] | None:
        match node:
            case ast.BinOp(left=left, op=operator, right=right) if self._operand(node) is None:
                if (binary := _OPERATORS.get(type(operator))) is None:
                    self._fail(node, f"Operators are {' '.join(_OPERATORS.values())}")
                return binary, left, right
            case ast.Call(func=ast.Name(id="left"), args=[left, right], keywords=[]):
                return "left", left, right
        return None

    def _unary_function(self, node: ast.expr) -> tuple[str, ast.expr]:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=argument):
                return "neg", argument
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(node, name, arguments)
        self._fail(node, "Only operands, + - * / **, - and functions of the language can be used")

    def _call(self, node: ast.Call, name: str, arguments: list[ast.expr]) -> tuple[str, ast.expr]:
        if name not in _FUNCTIONS:
            self._fail(node, unknown("function", name, _FUNCTIONS))
        wanted = 2 if name in _PARAMETERS or name in BINARY else 1
        if len(arguments) != wanted or node.keywords:
            self._fail(node, f"{name} takes {wanted} argument{'s' * (wanted > 1)}, without a keyword")
        if name not in _PARAMETERS:
            return name, arguments[0]
        parameter = arguments[1]
        value = parameter.value if isinstance(parameter, ast.Constant) else None
        if isinstance(value, float) and value in _PARAMETERS[name]:
            return _PARAMETERS[name][value], arguments[0]
        choices = ", ".join(str(number) for number in _PARAMETERS[name])
        self._fail(parameter, f"The second argument of {name} must be one of {choices}")

    def _column(self, line: int, offset: int) -> int:
        """Place in the whole text, counted from 1, of an offset in one of its lines."""
        before = sum(len(row) + 1 for row in self._text.split("\n")[: line - 1])
        return min(before + offset + 1, len(self._text) or 1)

    def _fail(self, node: ast.AST, message: str) -> NoReturn:
        column = self._column(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
        raise ProgramError(message, self._text, column)
