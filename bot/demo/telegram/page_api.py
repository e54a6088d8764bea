"""The page and its own small API: who is there, what stands in a chat, what happens, and what people do."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.demo.telegram.acting import Acting, Place
from bot.demo.telegram.bot_settings import BotSettings
from bot.demo.telegram.people import ADMIN_ID, chat_json
from bot.demo.telegram.stars import Stars
from bot.demo.telegram.state import Json, TelegramState
from bot.demo.telegram.wire import BotApiError, Upload

PAGE = Path(__file__).parent.parent / "page"
PAGE_FILES = frozenset(path.name for path in PAGE.iterdir())
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_POLL_SECONDS = 20
_MOST_FILES = 10
_INLINE_SECONDS = 5
_SHOWN = frozenset(
    {"message", "edit", "delete", "reaction", "action", "answer", "checkout", "commands", "force_reply"}
)

Act = Callable[[Json], Awaitable[Json]]


class PageApi:
    """Serves the page; people's acts that cannot be are answered 400 with a sentence."""

    def __init__(self, state: TelegramState, acting: Acting, settings: BotSettings, stars: Stars) -> None:
        self._state = state
        self._acting = acting
        self._settings = settings
        self._stars = stars

    def routes(self) -> list[Route]:
        """Give the routes of the page; they go behind all others."""
        return [
            Route("/demo/api/world", self._world),
            Route("/demo/api/messages", self._messages),
            Route("/demo/api/events", self._events),
            Route("/demo/api/menu", self._menu),
            Route("/demo/api/send", self._answered(self._send), methods=["POST"]),
            Route("/demo/api/press", self._answered(self._press), methods=["POST"]),
            Route("/demo/api/pay", self._answered(self._pay), methods=["POST"]),
            Route("/demo/api/pay_link", self._answered(self._pay_link), methods=["POST"]),
            Route("/demo/api/inline", self._answered(self._inline), methods=["POST"]),
            Route("/demo/api/choose", self._answered(self._choose), methods=["POST"]),
            Route("/demo/api/edit", self._answered(self._edit), methods=["POST"]),
            Route("/demo/api/react", self._answered(self._react), methods=["POST"]),
            Route("/demo/file/{file_id}", self._file),
            Route("/{name:path}", self._page),
        ]

    @staticmethod
    def _answered(act: Act) -> Callable[[Request], Awaitable[Response]]:
        """Make an endpoint of an act."""

        async def endpoint(request: Request) -> Response:
            is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
            form = await request.form() if is_form else FormData()
            try:
                fields = {"form": form, **form} if is_form else await request.json()
                return JSONResponse(await act(fields))
            except BotApiError as error:
                return JSONResponse({"error": error.description}, 400)
            except KeyError as error:
                return JSONResponse({"error": f"{error} is missing or unknown"}, 400)
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)
            finally:
                await form.close()

        return endpoint

    # -- reading -------------------------------------------------------------------------------------

    async def _world(self, _: Request) -> Response:
        state = self._state
        groups = [chat_json(chat, state.users) for chat in state.chats.values() if chat.type != "private"]
        return JSONResponse(
            {
                "bot": state.bot.as_json(),
                "about": self._settings.text_for("description", ""),
                "people": [user.as_json() for user in state.users.values()],
                "groups": groups,
                "admin": ADMIN_ID,
                "since": state.events.latest,
            }
        )

    async def _messages(self, request: Request) -> Response:
        chat_id = int(request.query_params["chat"])
        since = self._state.events.latest
        messages = [self._state.shown(message) for message in self._state.messages.get(chat_id, {}).values()]
        return JSONResponse({"messages": messages, "since": since})

    async def _events(self, request: Request) -> Response:
        """What happened after an event, as soon as there is something."""
        since = int(request.query_params["since"])
        events = await self._state.events.after(since, seconds=_POLL_SECONDS)
        return JSONResponse(
            {
                "events": [event for event in events if event["kind"] in _SHOWN],
                "since": events[-1]["number"] if events else since,
            }
        )

    async def _menu(self, request: Request) -> Response:
        user = self._state.users[int(request.query_params["user"])]
        chat = self._state.chats[int(request.query_params["chat"])]
        return JSONResponse(self._settings.commands_for(user, chat))

    async def _file(self, request: Request) -> Response:
        stored = self._state.files.by_id.get(request.path_params["file_id"])
        if stored is None:
            return Response("Not found", 404, media_type="text/plain")
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return FileResponse(stored.path, media_type=stored.mime_type, headers=headers)

    async def _page(self, request: Request) -> Response:
        name = request.path_params["name"] or "index.html"
        if name not in PAGE_FILES:
            return Response("Not found", 404, media_type="text/plain")
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return FileResponse(PAGE / name, headers=headers)

    # -- acting --------------------------------------------------------------------------------------

    async def _send(self, fields: Json) -> Json:
        user_id, text = int(fields["user"]), str(fields.get("text") or "")
        reply = str(fields.get("reply_to") or "")
        place = Place(chat=int(fields["chat"]), reply_to=int(reply) if reply else None)
        files = [part for part in fields["form"].getlist("file") if isinstance(part, UploadFile)]
        if not files:
            self._acting.write(user_id, text, place)
        group = self._state.opaque(7) if len(files) > 1 else ""
        for number, part in enumerate(files[:_MOST_FILES]):
            await self._acting.send_file(
                user_id, _kind(part), _upload(part), text if number == 0 else "", place, group
            )
        return {}

    async def _press(self, fields: Json) -> Json:
        place = int(fields["user"]), int(fields["chat"]), int(fields["message_id"])
        return {"query": self._acting.press(*place, str(fields["data"]))}

    async def _pay(self, fields: Json) -> Json:
        place = int(fields["user"]), int(fields["chat"]), int(fields["message_id"])
        return {"query": self._stars.pay(*place)}

    async def _pay_link(self, fields: Json) -> Json:
        return {"query": self._stars.pay_link(int(fields["user"]), str(fields["link"]))}

    async def _inline(self, fields: Json) -> Json:
        """What the bot offers for some words; nothing where it does not answer soon."""
        query = self._acting.ask_inline(int(fields["user"]), str(fields["words"]))
        answers = self._state.inline_answers
        await self._state.events.until(lambda: answers[query] is not None, seconds=_INLINE_SECONDS)
        return {
            "query": query,
            "results": answers[query] or [],
            "button": self._state.inline_buttons.get(query),
        }

    async def _choose(self, fields: Json) -> Json:
        place = Place(chat=int(fields["chat"]))
        await self._acting.choose_inline(
            int(fields["user"]), str(fields["query"]), str(fields["result"]), place
        )
        return {}

    async def _edit(self, fields: Json) -> Json:
        place = int(fields["user"]), int(fields["chat"]), int(fields["message_id"])
        self._acting.edit(*place, str(fields["text"]))
        return {}

    async def _react(self, fields: Json) -> Json:
        place = int(fields["user"]), int(fields["chat"]), int(fields["message_id"])
        self._acting.react(*place, str(fields["emoji"]))
        return {}


def _kind(part: UploadFile) -> str:
    """A picture goes as a photo, a film as a video, anything else as a file, as a phone would send it."""
    content_type = part.content_type or ""
    if content_type in {"image/jpeg", "image/png", "image/webp"}:
        return "photo"
    return "video" if content_type == "video/mp4" else "document"


def _upload(part: UploadFile) -> Upload:
    return Upload(
        name=part.filename or "file",
        content_type=part.content_type or "application/octet-stream",
        size=part.size or 0,
        file=part.file,
    )
