"""The HTTP application: webhooks of the chat platforms, liveness, readiness, and metrics in Prometheus' text form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot.ports import ChatPlatform, HttpRequest

MAX_BODY = 1_048_576  # bytes; Slack's and Telegram's calls are far smaller


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether work can be done: `parts` says so of the database and of each platform."""

    parts: Mapping[str, bool]

    @property
    def ready(self) -> bool:
        """Whether every part is."""
        return all(self.parts.values())


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure for the metrics, in the unit its name ends with."""

    name: str
    value: float
    labels: Mapping[str, str]


def web_app(
    hooks: Mapping[str, ChatPlatform],
    readiness: Callable[[], Awaitable[Readiness]],
    metrics: Callable[[], Awaitable[Sequence[Sample]]],
    pages: Sequence[BaseRoute] = (),
) -> Starlette:
    """The application; `hooks` are the platforms by the path they call, `pages` what people look at."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Request) -> Response:
        found = await readiness()
        return JSONResponse({"ready": found.ready, "parts": dict(found.parts)}, 200 if found.ready else 503)

    async def figures(_request: Request) -> Response:
        return PlainTextResponse(exposition(await metrics()), media_type="text/plain; version=0.0.4")

    def hook(platform: ChatPlatform) -> Callable[[Request], Awaitable[Response]]:
        async def received(request: Request) -> Response:
            try:
                body = await body_of(request)
            except ClientDisconnect:
                return Response(status_code=400)
            if body is None:
                return PlainTextResponse("too large", 413)
            headers = {name.lower(): value for name, value in request.headers.items()}
            answer = await platform.receive(
                HttpRequest(request.method, request.url.path, request.url.query, headers, body)
            )
            return Response(answer.body, answer.status, dict(answer.headers))

        return received

    calls = [Route(path, hook(platform), methods=["GET", "POST"]) for path, platform in hooks.items()]
    return Starlette(
        routes=[Route("/health", health), Route("/ready", ready), Route("/metrics", figures), *calls, *pages]
    )


async def body_of(request: Request) -> bytes | None:
    """The body; None where it is larger than MAX_BODY, which is noticed while it is read."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def exposition(samples: Sequence[Sample]) -> str:
    """The samples in Prometheus' text form, those of one name together."""
    lines: list[str] = []
    named = ""
    for sample in sorted(samples, key=lambda sample: sample.name):
        if sample.name != named:
            named = sample.name
            lines.append(f"# TYPE {named} gauge")
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
        lines.append(f"{sample.name}{{{labels}}} {sample.value:g}" if labels else f"{sample.name} {sample.value:g}")
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
