"""Small arithmetic over a part's parameters: numbers, names, + - * / and parentheses."""

import ast
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Final

Expression = str | float
"""`"length / 2 - 7"`, or just `3.5`."""

LONGEST: Final = 200


class ExpressionError(ValueError):
    """The text is not such arithmetic, names what is not there, or has no finite value."""


def value(expression: Expression, names: Mapping[str, float]) -> float:
    """What the expression comes to. IEEE arithmetic in the order written: the same on every machine.

    Raises:
        ExpressionError: see there.
    """
    if not isinstance(expression, str):
        return expression
    try:
        result = _value(_tree(expression), names, expression)
    except ZeroDivisionError:
        raise ExpressionError(f"{expression!r} divides by zero") from None
    if not isfinite(result):
        raise ExpressionError(f"{expression!r} is too large")
    return result


@lru_cache(maxsize=1024)
def _tree(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression is at most {LONGEST} characters long")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{text!r} is not arithmetic") from None


def _value(node: ast.expr, names: Mapping[str, float], text: str) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            result = float(number)
        case ast.Name(id=name):
            if name not in names:
                known = ", ".join(sorted(names)) or "none"
                raise ExpressionError(f"{text!r} names {name!r}, which is no parameter (there are: {known})")
            result = names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            result = -_value(operand, names, text)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            result = _value(left, names, text) + _value(right, names, text)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            result = _value(left, names, text) - _value(right, names, text)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            result = _value(left, names, text) * _value(right, names, text)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            result = _value(left, names, text) / _value(right, names, text)
        case _:
            raise ExpressionError(f"{text!r} may only hold numbers, names, + - * / and parentheses")
    return result
