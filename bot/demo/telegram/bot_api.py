"""The HTTP side of the Bot API: `/bot<token>/<method>` and `/file/bot<token>/<path>`.

Method names are case-insensitive, as at Telegram. Each call is recorded, meets the failures that were
planned for it, and is answered in Telegram's envelope.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.demo.telegram.bot_settings import BotSettings
from bot.demo.telegram.editing import Editing
from bot.demo.telegram.faults import ConnectionDropped, Garbled
from bot.demo.telegram.media import KINDS, MediaMaker
from bot.demo.telegram.queries import Queries
from bot.demo.telegram.reading import LOGGED_OUT, Reading
from bot.demo.telegram.sending import Sending
from bot.demo.telegram.stars import Stars
from bot.demo.telegram.state import TelegramState
from bot.demo.telegram.wire import BotApiError, Call, read_call

Method = Callable[[Call], Awaitable[Any]]


class Dropped(Response):
    """Breaks the connection off in the middle of the headers' promise, as a network failure would."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  the ASGI signature
        """Promise a body that never comes; the server then closes the connection."""
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", b"4096")],
            }
        )


class BotApi:
    """Answers Bot API calls of one bot."""

    def __init__(
        self,
        state: TelegramState,
        media: MediaMaker,
        reading: Reading,
        settings: BotSettings,
        stars: Stars,
        *,
        check: Callable[[Call], None] | None = None,
    ) -> None:
        self.state = state
        self._check = check
        self.reading = reading
        sending, editing, queries = Sending(state, media), Editing(state, media), Queries(state)
        self.methods: dict[str, Method] = {
            "getme": reading.get_me,
            "getupdates": reading.get_updates,
            "setwebhook": reading.set_webhook,
            "deletewebhook": reading.delete_webhook,
            "getwebhookinfo": reading.get_webhook_info,
            "close": reading.done,
            "logout": reading.log_out,
            "getfile": reading.get_file,
            "getchat": reading.get_chat,
            "getchatmember": reading.get_chat_member,
            "getchatadministrators": reading.get_administrators,
            "getchatmembercount": reading.get_member_count,
            "leavechat": reading.leave_chat,
            "sendmessage": sending.send_message,
            "sendmediagroup": sending.send_media_group,
            "sendchataction": sending.send_chat_action,
            "sendinvoice": sending.send_invoice,
            "forwardmessage": sending.forward_message,
            "copymessage": sending.copy_message,
            **{f"send{kind}": sending.send_media for kind in KINDS if kind != "video_note"},
            "editmessagetext": editing.edit_text,
            "editmessagecaption": editing.edit_caption,
            "editmessagemedia": editing.edit_media,
            "editmessagereplymarkup": editing.edit_reply_markup,
            "deletemessage": editing.delete_message,
            "deletemessages": editing.delete_messages,
            "setmessagereaction": editing.set_reaction,
            "answercallbackquery": queries.answer_callback,
            "answerinlinequery": queries.answer_inline,
            "createinvoicelink": stars.create_link,
            "answerprecheckoutquery": stars.answer_checkout,
            "refundstarpayment": stars.refund,
            "edituserstarsubscription": stars.edit_subscription,
            "setmycommands": settings.set_commands,
            "getmycommands": settings.get_commands,
            "deletemycommands": settings.delete_commands,
            "setchatmenubutton": settings.set_menu_button,
            "getchatmenubutton": settings.get_menu_button,
            **{f"setmy{what}": settings.set_text for what in ("name", "description", "shortdescription")},
            **{f"getmy{what}": settings.get_text for what in ("name", "description", "shortdescription")},
        }

    def routes(self) -> list[Route]:
        """Give the routes of the Bot API."""
        return [
            Route("/bot{token}/{method}", self.call, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self.download, methods=["GET"]),
        ]

    async def call(self, request: Request) -> Response:
        """Answer one call."""
        if request.path_params["token"] != self.state.token:
            return _refusal(BotApiError(401, "Unauthorized"))
        if self.state.now() < self.state.logged_out_until:
            return _refusal(BotApiError(400, LOGGED_OUT))
        form = None
        try:
            call, form = await read_call(request.path_params["method"], request)
            return await self._answer(call, request)
        except BotApiError as error:
            return _refusal(error)
        except HTTPException as error:
            return _refusal(BotApiError(400, f"Bad Request: {error.detail}"))
        except ConnectionDropped:
            return Dropped()
        except Garbled:
            return HTMLResponse("<html><body>Welcome to nginx!</body></html>")
        finally:
            if form is not None:
                await form.close()

    async def _answer(self, call: Call, request: Request) -> Response:
        """Record the call, let the planned failure happen, and run the method."""
        if self._check is not None:
            self._check(call)
        method = self.methods.get(call.method.lower())
        if method is None:
            raise BotApiError(404, "Not Found")
        polls = call.method.lower() == "getupdates"
        if not polls:
            self.state.calls.append((call.method, call.record()))
        fault = self.state.faults.take(call.method, _chat_id(call))
        try:
            if fault is not None and not fault.done_first:
                raise fault.error
            result = await (self.reading.get_updates(call, request) if polls else method(call))
        finally:
            if not polls:
                self.state.events.add("call", method=call.method)
        if (seconds := self.state.faults.late.get(call.method.lower())) is not None:
            await asyncio.sleep(seconds)
        if fault is not None:
            raise fault.error
        return _result(result)

    async def download(self, request: Request) -> Response:
        """Serve a file that getFile told the path of."""
        if request.path_params["token"] != self.state.token:
            return _refusal(BotApiError(401, "Unauthorized"))
        stored = self.state.files.by_path.get(request.path_params["path"])
        if stored is None or stored.size > self.reading.download_limit:
            return _refusal(BotApiError(404, "Not Found"))
        return FileResponse(stored.path, media_type="application/octet-stream")


def _chat_id(call: Call) -> int | None:
    try:
        return call.integer("chat_id") if call.has("chat_id") else None
    except BotApiError:
        return None


def _result(result: Any) -> JSONResponse:
    return JSONResponse({"ok": True, "result": result})


def _refusal(error: BotApiError) -> JSONResponse:
    headers = {}
    if "retry_after" in error.parameters:
        headers["retry-after"] = str(error.parameters["retry_after"])
    return JSONResponse(error.as_json(), status_code=error.code, headers=headers)
