"""What each request needs of the application: the desk behind it, and a form's fields."""

from typing import Annotated

from fastapi import Depends, Request

from coordinator.desk import Desk


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _fields(request: Request) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=40) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


Here = Annotated[Desk, Depends(_desk)]
"""The desk."""
Entered = Annotated[dict[str, str], Depends(_fields)]
"""What a person entered into a page's form."""
