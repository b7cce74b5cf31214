"""views.*: home pages and modals."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from bot.sandbox.slack.check import SlackRefusal, check_blocks, read_json
from bot.sandbox.slack.composition import Part, PlainText, at_most
from bot.sandbox.slack.method import Answer, Arguments, Method, needed, user_of
from bot.sandbox.slack.payloads import view_json
from bot.sandbox.slack.world import SlackView

if TYPE_CHECKING:
    from bot.sandbox.slack.people import Slack

VIEW_BYTES = 250_000
TRIGGER_LIFE = timedelta(seconds=3)
_Metadata = Annotated[str, Field(max_length=3000)]
_Title = Annotated[PlainText, at_most(24)]


class Home(Part):
    """A home page, apart from its blocks."""

    type: Literal["home"]
    blocks: list[Any]
    private_metadata: _Metadata = ""
    callback_id: Annotated[str, Field(max_length=255)] = ""
    external_id: Annotated[str, Field(max_length=255)] = ""


class Modal(Home):
    """A modal, apart from its blocks."""

    type: Literal["modal"]  # type: ignore[assignment]  # the same fields under another type
    title: _Title
    submit: _Title | None = None
    close: _Title | None = None
    clear_on_close: bool = False
    notify_on_close: bool = False
    submit_disabled: bool = False


def _view(arguments: Arguments, kind: Literal["home", "modal"]) -> dict[str, Any]:
    view = read_json(arguments.get("view") or "", "invalid_arguments")
    if not isinstance(view, dict):
        raise SlackRefusal("invalid_arguments", "missing required field: view")
    try:
        (Home if kind == "home" else Modal).model_validate(view)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        where = "/".join(map(str, wrong["loc"]))
        raise SlackRefusal("invalid_arguments", f"{wrong['msg']} [json-pointer:/view/{where}]") from None
    if len(json.dumps(view)) > VIEW_BYTES:
        raise SlackRefusal("view_too_large")
    check_blocks(view["blocks"], kind, "/view/blocks")
    if kind == "modal" and any(block["type"] == "input" for block in view["blocks"]) and not view.get("submit"):
        raise SlackRefusal("invalid_arguments", "missing required field: submit [json-pointer:/view]")
    return view


def _publish(slack: Slack, arguments: Arguments) -> Answer:
    user = user_of(slack, arguments, "user_id")
    view = _view(arguments, "home")
    page = slack.world.homes.get(user.id)
    if page and arguments.get("hash") and arguments["hash"] != page.hash:
        raise SlackRefusal("hash_conflict")
    return {"view": view_json(slack.world, slack.desk.publish_home(user.id, view))}


def _open(slack: Slack, arguments: Arguments) -> Answer:
    trigger = slack.world.triggers.get(needed(arguments, "trigger_id"))
    if trigger is None:
        raise SlackRefusal("invalid_trigger_id")
    if slack.world.clock.now() - trigger.at > TRIGGER_LIFE:
        raise SlackRefusal("expired_trigger_id")
    if trigger.used:
        raise SlackRefusal("exchanged_trigger_id")
    view = _view(arguments, "modal")
    trigger.used = True
    return {"view": view_json(slack.world, slack.desk.open_view(trigger.user, view))}


def _known(slack: Slack, arguments: Arguments) -> SlackView:
    wanted = needed(arguments, "view_id")
    for view in (*slack.world.views.values(), *slack.world.homes.values()):
        if view.id == wanted:
            return view
    raise SlackRefusal("not_found")


def _update(slack: Slack, arguments: Arguments) -> Answer:
    shown = _known(slack, arguments)
    if arguments.get("hash") and arguments["hash"] != shown.hash:
        raise SlackRefusal("hash_conflict")
    view = _view(arguments, shown.content["type"])
    return {"view": view_json(slack.world, slack.desk.change_view(shown, view))}


METHODS = (
    Method("views.publish", _publish, (), 4, "user_id view hash"),
    Method("views.open", _open, (), 4, "trigger_id view interactivity_pointer"),
    Method("views.update", _update, (), 4, "view_id view hash external_id"),
)
