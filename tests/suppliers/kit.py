"""An order to send, and a mail server on loopback that behaves as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from bot.domain.money import Money
from bot.ports import Order, OrderLine
from bot.suppliers.mail import MailChannel, MailOptions

NAMES = ("WHITE HANGING HEART T-LIGHT HOLDER", "灯笼 & 蜡烛", "Żółta łódź", "<b>bold</b> <para> &amp;")


def an_order(count: int = 3, **more: Any) -> Order:
    """An order of some lines to Yiwu."""
    goods = tuple(
        OrderLine(f"8512{number}A", NAMES[number % len(NAMES)], 120 + number, Money.of_minor(1250 + number, "CNY"))
        for number in range(count)
    )
    total = Money.of_minor(sum(line.quantity * line.unit_cost.minor for line in goods), "CNY")
    given: dict[str, Any] = {
        "kind": "purchase_order",
        "number": "R-12",
        "version": 3,
        "ordered_at": datetime(2011, 11, 21, 9, tzinfo=UTC),
        "buyer": "Acme Trading Ltd\n12 High Street\nLondon N1",
        "supplier": "Yiwu Bright",
        "supplier_code": "YIWU",
        "email": "orders@yiwu.example",
        "language": "en",
        "deliver_to": "United Kingdom\nUK",
        "mode": "sea",
        "expected_on": date(2011, 12, 30),
        "lines": goods,
        "total": total,
    }
    return Order(**(given | more))


@dataclass
class PostOffice:
    """What the server took, and how it answers: an answer by recipient, and one to the message.

    `break_off` ends the connection once the message is read; `silent` never answers it. `taken` counts messages that
    were read to their end, whether or not that was said.
    """

    port: int = 0
    refuse_sender: str = ""
    refuse: dict[str, str] = field(default_factory=dict)
    answer: str = "250 queued"
    break_off: bool = False
    break_before: bool = False
    silent: bool = False
    logins: list[tuple[str, str]] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    _read: list[EmailMessage] = field(default_factory=list)

    @property
    def taken(self) -> list[EmailMessage]:
        """The messages; each is read once, however often somebody looks whether all are there."""
        for envelope in self.envelopes[len(self._read) :]:
            self._read.append(message_from_bytes(envelope.content or b"", policy=policy.default))  # type: ignore[arg-type]  # what SMTP hands over
        return list(self._read)

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.break_before:
            server.transport.abort()  # type: ignore[union-attr]
            return "421 gone"
        if self.refuse_sender:
            return self.refuse_sender
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        self.envelopes.append(envelope)
        self.secure.append(session.ssl is not None)
        if self.break_off:
            server.transport.abort()  # type: ignore[union-attr]
        if self.silent:
            await asyncio.Event().wait()
        return self.answer


@asynccontextmanager
async def mail_server(office: PostOffice, context: ssl.SSLContext | None = None, **more: Any) -> AsyncIterator[int]:
    """The port of a running server."""

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        office.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"right", handled=False)

    loop = asyncio.get_running_loop()
    clients: list[SMTP] = []

    def make() -> SMTP:
        client = SMTP(
            office, hostname="mail.test", loop=loop, tls_context=context, authenticator=authenticate,
            auth_require_tls=False, **more,
        )  # fmt: skip
        clients.append(client)
        return client

    server = await loop.create_server(make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for client in clients:
            if client.transport is not None:
                client.transport.close()
            if client._handler_coroutine is not None:
                client._handler_coroutine.cancel()
                await asyncio.gather(client._handler_coroutine, return_exceptions=True)


def mail_channel(port: int, **more: Any) -> MailChannel:
    """Mail to that port, without encryption unless told otherwise."""
    given: dict[str, Any] = {"security": "none", "timeout": 5.0} | more
    return MailChannel(MailOptions(host="localhost", port=port, sender="orders@acme.example", **given))
