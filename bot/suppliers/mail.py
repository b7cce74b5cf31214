"""Orders by mail, with the documents attached.

What an outcome means for the money: until the message is handed over nothing happened, so a connection that fails
there is Unreached. An answer of the server is its word: 4xx means later, 5xx means no. A connection that breaks once
the message is under way says nothing, and SMTP has no way to ask again: Unanswered, and a person must look.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from typing import Any, Literal

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from bot.errors import Declined, Unanswered, Unreached, why
from bot.language import language
from bot.ports import Check, Order
from bot.suppliers.document import TITLES, documents
from bot.suppliers.fonts import plain
from bot.words import _

_TIMEOUT = 30.0  # seconds for each answer


@dataclass(frozen=True, slots=True)
class MailOptions:
    """How mail leaves. `context` is the trust in the server's certificate; None: the system's."""

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    copy_to: str = ""
    timeout: float = _TIMEOUT
    context: ssl.SSLContext | None = None


class MailChannel:
    """Sends each order as one message, whose id is made of its key."""

    name = "mail"

    def __init__(self, options: MailOptions) -> None:
        self._options = options

    async def send(self, order: Order, key: str) -> Mapping[str, Any]:
        """Send it to the supplier; a refused address beside an accepted one is named in the receipt."""
        recipients = _addresses(order.email)
        if not recipients:
            raise Declined(_("{email} is no mail address", email=repr(order.email)))
        message = self._message(order, key)
        async with self._connected() as server:
            accepted, refused = await self._envelope(server, recipients)
            answer = await _hand_over(server, message.as_bytes(policy=WIRE))
        return {
            "channel": self.name,
            "message_id": str(message["Message-ID"]),
            "to": accepted,
            "refused": refused,
            "answer": plain(answer)[:200],
        }

    async def find(self, order: Order, key: str) -> Mapping[str, Any] | None:
        """SMTP keeps no record that could be read."""
        del order, key
        raise Unanswered(_("a mail server cannot tell whether it took a message"))

    async def check(self) -> tuple[Check, ...]:
        """Connect and log in, without sending."""
        options = self._options
        where = f"{options.host}:{options.port}"
        try:
            async with self._connected() as server:
                await server.noop()
        except (Unreached, Declined, SMTPException, OSError) as error:
            remedy = _("see host, port, security, username and password under [mail]")
            return (Check(_("mail"), "fail", _("{where}: {error}", where=where, error=why(error)), remedy),)
        return (Check(_("mail"), "ok", _("{where} as {sender}", where=where, sender=options.sender)),)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[SMTP]:
        """A connection that is ready to take a message; a wrong password is our own fault, so it may be tried again."""
        options = self._options
        server = SMTP(
            hostname=options.host,
            port=options.port,
            local_hostname=options.sender.rpartition("@")[2] or "localhost",
            timeout=options.timeout,
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            tls_context=options.context if options.security != "none" else None,
        )
        try:
            await server.connect()
            if options.username:
                await server.login(options.username, options.password)
        except SMTPAuthenticationError as error:
            server.close()
            raise Unreached(_("the mail server refuses the account: {code}", code=error.code)) from error
        except (SMTPException, OSError) as error:
            server.close()
            raise Unreached(_("the mail server cannot be used: {error}", error=plain(str(error))[:200])) from error
        try:
            yield server
        finally:
            await _leave(server)

    async def _envelope(self, server: SMTP, recipients: Sequence[str]) -> tuple[list[str], list[str]]:
        """Name sender and recipients; (accepted, refused). The message goes if one of the supplier's is accepted."""
        accepted, refused, words = [], [], []
        copies = _addresses(self._options.copy_to)
        try:
            await server.mail(self._options.sender)
            for address in (*recipients, *copies):
                try:
                    await server.rcpt(address)
                    accepted.append(address)
                except SMTPRecipientRefused as error:
                    refused.append(address)
                    if address in recipients:
                        words.append((error.code, error.message))
        except SMTPSenderRefused as error:
            raise _verdict(error.code, error.message) from error
        except (SMTPException, OSError) as error:
            raise Unreached(
                _("the connection broke before the message: {error}", error=plain(str(error))[:200])
            ) from error
        if not set(accepted) & set(recipients):
            raise _verdict(*min(words))  # one that says "later" leaves hope
        return accepted, refused

    def _message(self, order: Order, key: str) -> EmailMessage:
        options, spoken = self._options, language(order.language)
        title = f"{spoken.say(TITLES[order.kind])} {order.number}"
        buyer = plain(order.buyer.partition("\n")[0])
        message = EmailMessage()
        message["Message-ID"] = message_id(key, options.sender)
        message["Date"] = format_datetime(order.ordered_at)
        message["Subject"] = plain(f"{title} · {buyer}")[:200]
        user, _at, domain = options.sender.rpartition("@")
        message["From"] = Address(buyer[:100], user, domain)
        message["To"] = ", ".join(_addresses(order.email))
        if copies := _addresses(options.copy_to):
            message["Cc"] = ", ".join(copies)
        message.set_content(self._letter(order), charset="utf-8")
        for document in documents(order):
            kind, _slash, detail = document.kind.partition("/")
            charset = {"charset": "utf-8"} if kind == "text" else None
            message.add_attachment(
                document.content, maintype=kind, subtype=detail, filename=document.name, params=charset
            )
        return message

    def _letter(self, order: Order) -> str:
        spoken = language(order.language)
        lines = [
            spoken.say(_("To {name}:", name=plain(order.supplier))),
            "",
            spoken.say(
                _(
                    "Please find our order {number}, version {version}, attached: {total} in all.",
                    number=order.number,
                    version=str(order.version),
                    total=spoken.money(order.total.amount, order.total.currency),
                )
                if order.kind == "purchase_order"
                else _(
                    "Please find our transfer order {number}, version {version}, attached.",
                    number=order.number,
                    version=str(order.version),
                )
            ),
        ]
        if order.expected_on is not None:
            lines.append(spoken.say(_("We expect the goods by {day}.", day=spoken.day(order.expected_on))))
        lines += [
            spoken.say(_("Please confirm it, and quote {number} in every answer.", number=order.number)),
            "",
            *(plain(line) for line in order.buyer.splitlines()),
        ]
        return "\n".join(lines) + "\n"


def message_id(key: str, sender: str) -> str:
    """The same id for the same key, so that a mail system can tell a message that came twice."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    return f"<{digest}@{sender.rpartition('@')[2] or 'localhost'}>"


def _addresses(text: str) -> list[str]:
    """The addresses of a list parted by commas or semicolons; what no server could take is left out."""
    found = [part.strip() for part in text.replace(";", ",").split(",")]
    return list(dict.fromkeys(each for each in found if _is_address(each)))


def _is_address(text: str) -> bool:
    user, at, domain = text.rpartition("@")
    return bool(user and at and domain) and text.isascii() and text.isprintable() and not set(text) & set(' <>"()[]\\')


def _verdict(code: int, text: str) -> Unreached | Declined | Unanswered:
    """What a server's refusal means."""
    said = _("the mail server answered {code} {said}", code=str(code), said=plain(text)[:200])
    if 400 <= code < 500:
        return Unreached(said)
    return Declined(said) if 500 <= code < 600 else Unanswered(said)


async def _hand_over(server: SMTP, content: bytes) -> str:
    """Give the message; from here on silence is no answer."""
    try:
        answer = await server.data(content)
    except SMTPResponseException as error:
        raise _verdict(error.code, error.message) from error
    except (SMTPServerDisconnected, SMTPTimeoutError, OSError) as error:
        raise Unanswered(_("no answer to the message: {error}", error=plain(str(error))[:200])) from error
    return f"{answer.code} {answer.message}"


async def _leave(server: SMTP) -> None:
    """Say goodbye; what was agreed before stands whether it is heard or not."""
    if not server.is_connected:
        return
    try:
        await server.quit(timeout=2)
    except (SMTPException, OSError):
        server.close()
