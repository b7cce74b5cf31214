"""What the strict Shopify refuses."""

from __future__ import annotations

from graphql import GraphQLError


class Refused(GraphQLError):
    """An error with Shopify's code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message, extensions={"code": code} if code else None)
