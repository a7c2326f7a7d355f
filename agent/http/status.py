"""The numbers of HTTP's answers, for rooms that open no connection of their own."""

from http import HTTPStatus

__all__ = ["HTTPStatus"]
