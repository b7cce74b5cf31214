"""What went wrong, for programs and for whoever wrote them: problem details (RFC 9457), each kind with its own address.

A `type` leads to its row on the API's page, so it is told in one place what each means and what to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from bot.words import Words, _

PAGE = "/api/v1"
MEDIA = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem: its status, its title, and what to do about it."""

    status: int
    title: Words
    remedy: Words


PROBLEMS: Mapping[str, ProblemKind] = {
    "json": ProblemKind(400, _("The body cannot be read"), _("Send JSON in UTF-8, whole, as such or packed by gzip.")),
    "idempotency-key": ProblemKind(
        400, _("The Idempotency-Key cannot be"), _("Use 1 to 255 visible ASCII signs, such as a UUID.")
    ),
    "key": ProblemKind(401, _("No key, or one that is not in use"), _("Send Authorization: Bearer and your key.")),
    "scope": ProblemKind(
        403, _("The key may not tell this"), _("Ask for a key with this scope; keys are made on the command line.")
    ),
    "nowhere": ProblemKind(404, _("There is nothing at this address"), _("See the addresses on this page.")),
    "method": ProblemKind(
        405, _("This address does not know that method"), _("The header Allow names those it knows.")
    ),
    "at-work": ProblemKind(
        409, _("The same batch is being taken"), _("Ask again after the seconds of the header Retry-After.")
    ),
    "too-large": ProblemKind(413, _("The batch is too large"), _("Send it in parts.")),
    "media-type": ProblemKind(415, _("The batch is not JSON"), _("Send Content-Type: application/json.")),
    "encoding": ProblemKind(415, _("The batch is packed in an unknown way"), _("Send it as it is, or packed by gzip.")),
    "shape": ProblemKind(
        422, _("The body has no list of rows"), _("Send an object with one member, rows, which is a list.")
    ),
    "rows": ProblemKind(
        422,
        _("None of the rows could be taken"),
        _("Mend what the faults name, and send it with a new Idempotency-Key."),
    ),
    "reused": ProblemKind(
        422,
        _("The Idempotency-Key was used for another batch"),
        _("Use a new key for each batch; repeat it only to ask again."),
    ),
    "often": ProblemKind(
        429,
        _("Too many requests with this key"),
        _("Wait for the seconds of the header Retry-After; send larger batches."),
    ),
    "unkept": ProblemKind(
        503, _("The database does not answer"), _("Nothing was taken. Ask again after the seconds of Retry-After.")
    ),
}


class Problem(Exception):  # it is the answer, not a failure of ours
    """An answer that is a problem; `kind` is a name in PROBLEMS, `detail` what was wrong this time."""

    def __init__(self, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})

    def answer(self, more: Mapping[str, object] | None = None) -> Response:
        """The response; `more` are members beside those of every problem."""
        found = PROBLEMS[self.kind]
        told = {
            "type": f"{PAGE}#{self.kind}",
            "title": found.title.msgid,
            "status": found.status,
            "detail": self.detail,
            **(more or {}),
        }
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        return Response(body, found.status, {"Cache-Control": "no-store", **self.headers}, MEDIA)
