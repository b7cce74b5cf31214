"""Ways by which orders reach suppliers and warehouses. A new one is a new file and one entry of SUPPLIERS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.ports import SupplierChannel
from bot.settings import Settings
from bot.suppliers.folder import FolderChannel


def make_folder(settings: Settings) -> SupplierChannel | None:
    """The folder of documents, which is always there."""
    return FolderChannel(Path(settings.orders.folder))


def make_mail(settings: Settings) -> SupplierChannel | None:
    """Mail, where a server and a sender were given."""
    part = settings.mail
    if not (part.host and part.sender):
        return None
    from bot.suppliers.mail import MailChannel, MailOptions

    return MailChannel(
        MailOptions(
            host=part.host,
            port=part.port,
            sender=part.sender,
            security=part.security,
            username=part.username,
            password=part.password.get_secret_value(),
            copy_to=part.copy_to,
        )
    )


SUPPLIERS: tuple[Callable[[Settings], SupplierChannel | None], ...] = (make_folder, make_mail)
