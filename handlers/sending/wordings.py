"""The table of Telegram's refusals: its wordings, what they mean, and what the bot does.

Telegram's codes do not tell its refusals apart, only its texts do. They come from three places: the Bot API server
(`Client.cpp` of tdlib/telegram-bot-api), TDLib within it (tdlib/td), and Telegram's own servers, whose words are in
capitals (core.telegram.org, "Errors").
"""

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """What a refusal means; the table says what the bot does."""

    MIGRATED = "migrated"
    LOGGED_OUT = "logged_out"
    WEBHOOK_SET = "webhook_set"
    OTHER_POLLER = "other_poller"
    TOO_MANY = "too_many"
    SUPERSEDED = "superseded"
    SAME = "same"
    REPLY_GONE = "reply_gone"
    TOPIC_CLOSED = "topic_closed"
    TOPIC_GONE = "topic_gone"
    MESSAGE_GONE = "message_gone"
    NOT_EDITABLE = "not_editable"
    NO_MEDIA_TO_EDIT = "no_media_to_edit"
    NO_TEXT_TO_EDIT = "no_text_to_edit"
    BLOCKED = "blocked"
    KICKED = "kicked"
    CHAT_GONE = "chat_gone"
    NO_RIGHT_TO_SEND_VIDEOS = "no_right_to_send_videos"
    NO_RIGHT_TO_WRITE = "no_right_to_write"
    TOO_LARGE = "too_large"
    BAD_THUMBNAIL = "bad_thumbnail"
    WRONG_FILE_ID = "wrong_file_id"
    BAD_FILE = "bad_file"
    NO_EFFECT = "no_effect"
    NO_REACTION = "no_reaction"
    STALE_QUERY = "stale_query"
    ALREADY_REFUNDED = "already_refunded"
    FORBIDDEN_MARKUP = "forbidden_markup"
    FORBIDDEN_BUTTON = "forbidden_button"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table: patterns in lower case, the heading and what the bot does in the documentation.

    `examples` are whole descriptions as Telegram writes them.
    """

    refusal: Refusal
    title: str
    action: str
    patterns: tuple[str, ...]
    examples: tuple[str, ...]


TABLE = (
    Meaning(
        Refusal.MIGRATED,
        "The group became a supergroup",
        "Goes on in the supergroup: tasks, credits, budgets and settings move along.",
        ("group chat was upgraded to a supergroup",),
        ("Bad Request: group chat was upgraded to a supergroup chat",),
    ),
    Meaning(
        Refusal.LOGGED_OUT,
        "The token is refused, or the bot was logged out of this server",
        "Waits and tries again each minute; nothing is lost. `klingbot check` says what to do.",
        ("logged out", "unauthorized", "the bot has already been closed", "frozen_method_invalid"),
        (
            "Unauthorized",
            "Unauthorized: invalid token specified",
            "Bad Request: Logged out",
            "Bad Request: the bot has already been closed",
        ),
    ),
    Meaning(
        Refusal.WEBHOOK_SET,
        "A webhook was left set",
        "Takes it away and fetches its updates; nothing that waits is lost.",
        ("while webhook is active", "terminated by setwebhook request"),
        (
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        ),
    ),
    Meaning(
        Refusal.OTHER_POLLER,
        "Another process fetches updates with the same token",
        "Tries again; each update reaches one of the two. Stop the other one.",
        ("terminated by other getupdates request",),
        (
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        ),
    ),
    Meaning(
        Refusal.TOO_MANY,
        "Too many requests",
        "Waits as long as Telegram asks for, in this chat only, and sends it then.",
        ("too many requests", "retry after", r"slowmode_wait_\d+", r"flood_wait_\d+"),
        ("Too Many Requests: retry after 17", "Bad Request: SLOWMODE_WAIT_30"),
    ),
    Meaning(
        Refusal.SUPERSEDED,
        "Another edit of the same message is under way",
        "Looks again a few seconds later; nothing is sent twice.",
        ("canceled by new edit message request",),
        ("Bad Request: Canceled by new edit message request",),
    ),
    Meaning(
        Refusal.SAME,
        "The message says this already",
        "Counts it as done.",
        ("message is not modified", "message_not_modified"),
        (
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same",
        ),
    ),
    Meaning(
        Refusal.REPLY_GONE,
        "The message that is replied to was deleted",
        "Sends the same without a reply, in the same topic.",
        (
            "message to be replied",
            "message to reply",
            "replied message not found",
            "replied to",
            "reply_message_id_invalid",
            "reply_to_invalid",
            "quote_text_invalid",
        ),
        (
            "Bad Request: message to be replied not found",
            "Bad Request: replied message not found",
            "Bad Request: message to reply not found",
            "Bad Request: REPLY_MESSAGE_ID_INVALID",
            "Bad Request: QUOTE_TEXT_INVALID",
        ),
    ),
    Meaning(
        Refusal.TOPIC_CLOSED,
        "The topic is closed",
        "Writes to the group outside its topics; where that is closed, too, to the person in private.",
        ("topic_closed", "topic closed", "topic is closed"),
        ("Bad Request: TOPIC_CLOSED",),
    ),
    Meaning(
        Refusal.TOPIC_GONE,
        "The topic was deleted",
        "Writes to the group outside its topics.",
        (
            "message thread not found",
            "topic_deleted",
            "topic_id_invalid",
            "topic deleted",
            "topic not found",
            "invalid message thread identifier",
            "invalid forum topic identifier",
            "unknown forum topic identifier",
            "there are no message threads in the chat",
            "threads can't be used",
        ),
        (
            "Bad Request: message thread not found",
            "Bad Request: TOPIC_DELETED",
            "Bad Request: TOPIC_ID_INVALID",
            "Bad Request: invalid message thread identifier specified",
        ),
    ),
    Meaning(
        Refusal.NO_MEDIA_TO_EDIT,
        "The Bot API server is older than 7.11",
        "Deletes the placeholder and sends results as new messages, until it is restarted.",
        ("there is no media in the message to edit",),
        ("Bad Request: there is no media in the message to edit",),
    ),
    Meaning(
        Refusal.NO_TEXT_TO_EDIT,
        "The text has become a file",
        "Leaves the file where it is.",
        ("there is no text in the message to edit", "there is no caption in the message to edit"),
        ("Bad Request: there is no text in the message to edit",),
    ),
    Meaning(
        Refusal.NOT_EDITABLE,
        "The message can no longer be edited",
        "Sends a new message in its place.",
        (
            "message can't be edited",
            "message media can't be edited",
            "message_edit_time_expired",
            "message_author_required",
            "can't change media type in the album",
            "message content type can't be used in an album",
        ),
        (
            "Bad Request: message can't be edited",
            "Bad Request: message media can't be edited",
            "Bad Request: MESSAGE_AUTHOR_REQUIRED",
        ),
    ),
    Meaning(
        Refusal.MESSAGE_GONE,
        "The message was deleted",
        "Sends a new message in its place.",
        (
            r"message to \w+ not found",
            "message not found",
            "message_not_found",
            "message_id_invalid",
            "msg_id_invalid",
        ),
        (
            "Bad Request: message to edit not found",
            "Bad Request: message to delete not found",
            "Bad Request: MESSAGE_ID_INVALID",
            "Bad Request: message not found",
        ),
    ),
    Meaning(
        Refusal.BLOCKED,
        "The person blocked the bot, or never opened a chat with it",
        "Keeps the result; it comes when they write to the bot again, and `/show` brings it at any time.",
        (
            "bot was blocked by the user",
            "user_is_blocked",
            "you_blocked_user",
            "user is deactivated",
            "input_user_deactivated",
            "bot can't initiate conversation",
            "bot can't send messages to the bot",
            "bot can't send messages to bots",
            "user_is_bot",
            "privacy_premium_required",
            "allow_payment_required",
        ),
        (
            "Forbidden: bot was blocked by the user",
            "Forbidden: user is deactivated",
            "Forbidden: bot can't initiate conversation with a user",
            "Forbidden: bot can't send messages to bots",
        ),
    ),
    Meaning(
        Refusal.KICKED,
        "The bot is no longer in the group",
        "Nothing is made that was not begun, and it costs nothing; what is ready goes to the person in private.",
        (
            "bot was kicked",
            "bot is not a member",
            "channel_private",
            "user_banned_in_channel",
            "chat_guest_send_forbidden",
        ),
        (
            "Forbidden: bot was kicked from the group chat",
            "Forbidden: bot was kicked from the supergroup chat",
            "Forbidden: bot is not a member of the supergroup chat",
            "Bad Request: CHANNEL_PRIVATE",
            "Bad Request: USER_BANNED_IN_CHANNEL",
        ),
    ),
    Meaning(
        Refusal.CHAT_GONE,
        "There is no such chat",
        "Nothing is made that was not begun, and it costs nothing; what is ready goes to the person in private, "
        "or waits until they write to the bot.",
        (
            "chat not found",
            "user not found",
            "group chat was deleted",
            "group chat was deactivated",
            "chat is deactivated",
            "chat is not accessible",
            "can't access the chat",
            "have no access to the chat",
            "peer_id_invalid",
            "user_id_invalid",
            "chat_id_invalid",
            "channel_invalid",
        ),
        (
            "Bad Request: chat not found",
            "Bad Request: private chat not found",
            "Bad Request: user not found",
            "Forbidden: the group chat was deleted",
            "Bad Request: group chat was deactivated",
            "Bad Request: have no access to the chat",
            "Bad Request: PEER_ID_INVALID",
        ),
    ),
    Meaning(
        Refusal.NO_RIGHT_TO_SEND_VIDEOS,
        "The group does not allow videos, photos or files",
        "Sends the result as a file; where files are not allowed either, to the person in private, with a word "
        "to that. Allow the bot to send media in the group's permissions, or make it an admin.",
        (
            r"not enough rights to send (?!text)(?!the rich)[a-z ]+ to the chat",
            r"chat_send_(?!plain)[a-z]+_forbidden",
        ),
        (
            "Bad Request: not enough rights to send videos to the chat",
            "Bad Request: not enough rights to send photos to the chat",
            "Bad Request: not enough rights to send documents to the chat",
            "Bad Request: not enough rights to send music to the chat",
            "Bad Request: CHAT_SEND_VIDEOS_FORBIDDEN",
            "Bad Request: CHAT_SEND_MEDIA_FORBIDDEN",
            "Bad Request: CHAT_SEND_DOCS_FORBIDDEN",
        ),
    ),
    Meaning(
        Refusal.NO_RIGHT_TO_WRITE,
        "The bot may not write in the group",
        "Nothing is made that was not begun, and it costs nothing; what is ready goes to the person in private. "
        "Allow the bot to write in the group's permissions, or make it an admin.",
        (
            "have no rights to send",
            "have no write access to the chat",
            "not enough rights",
            "need administrator rights",
            "chat_write_forbidden",
            "chat_restricted",
            "chat_admin_required",
            "chat_send_plain_forbidden",
            "write_forbidden",
        ),
        (
            "Bad Request: have no rights to send a message",
            "Bad Request: not enough rights to send text messages to the chat",
            "Bad Request: have no write access to the chat",
            "Bad Request: need administrator rights in the channel chat",
            "Bad Request: CHAT_WRITE_FORBIDDEN",
            "Bad Request: CHAT_RESTRICTED",
            "Bad Request: CHAT_ADMIN_REQUIRED",
            "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN",
        ),
    ),
    Meaning(
        Refusal.BAD_THUMBNAIL,
        "Telegram does not take the preview picture",
        "Sends the video once more without it.",
        ("thumb",),
        (
            "Bad Request: wrong thumbnail specified",
            "Bad Request: file is too big for a thumbnail",
            "Bad Request: VIDEO_THUMB_INVALID",
            "Bad Request: inputThumbnail not specified",
        ),
    ),
    Meaning(
        Refusal.BAD_FILE,
        "Telegram does not take the file as what it is",
        "Sends it once more without a preview picture, then as a file, and at last as a link.",
        (
            "too big for a photo",
            r"(?:width|height|size|dimensions) of the photo",
            "photo_invalid_dimensions",
            "photo_ext_invalid",
            "photo_save_file_invalid",
            "photo_content_type_invalid",
            "image_process_failed",
            "video_content_type_invalid",
            "video_file_invalid",
            "media_empty",
            "media_invalid",
            "media_prev_invalid",
            "media_new_invalid",
            r"file_part_\w+",
            "file_parts_invalid",
            "md5_checksum_invalid",
            "file must be non-empty",
            "failed to upload file",
            "invalid input media",
            "wrong type of the web page content",
            "failed to get http url content",
            "message send failed",
            "group send failed",
        ),
        (
            "Bad Request: PHOTO_INVALID_DIMENSIONS",
            "Bad Request: IMAGE_PROCESS_FAILED",
            "Bad Request: VIDEO_FILE_INVALID",
            "Bad Request: VIDEO_CONTENT_TYPE_INVALID",
            "Bad Request: MEDIA_EMPTY",
            "Bad Request: FILE_PART_1_MISSING",
            "Bad Request: file must be non-empty",
            "Bad Request: failed to upload file",
            "Bad Request: size of the photo is too big",
            "Bad Request: file of size 12000000 bytes is too big for a photo; the maximum size is 10485760 bytes",
        ),
    ),
    Meaning(
        Refusal.TOO_LARGE,
        "The file is larger than the server takes",
        "Sends a smaller copy of a video with the provider's link, of up to `delivery.copy_source_mb`; anything else as "
        "a link with its size. A local Bot API server takes up to 2,000 MB: set `delivery.max_upload_mb`. Of files that "
        "people send, says the limit.",
        (
            "request entity too large",
            "content too large",
            "file is too big",
            r"file of size \d+ bytes is too big",
            "payload too large",
        ),
        (
            "Request Entity Too Large",
            "Bad Request: file is too big",
            "Bad Request: file of size 2100000000 bytes is too big; the maximum size is 2097152000 bytes",
        ),
    ),
    Meaning(
        Refusal.WRONG_FILE_ID,
        "Telegram does not know the file any more, or not now",
        "Fetches a result from its provider again. Of files that people send, asks a few times within seconds, "
        "then says to send it again.",
        (
            "wrong file identifier",
            "wrong remote file identifier",
            "invalid remote file identifier",
            "invalid file identifier",
            "wrong file_id",
            "invalid file_id",
            "can't use file of type",
            r"file_reference_\w+",
            "file_id_invalid",
            "file not found",
        ),
        (
            "Bad Request: wrong file identifier/HTTP URL specified",
            "Bad Request: wrong remote file identifier specified: can't unserialize it",
            "Bad Request: wrong file_id or the file is temporarily unavailable",
            "Bad Request: can't use file of type Video as Photo",
            "Bad Request: FILE_REFERENCE_EXPIRED",
        ),
    ),
    Meaning(
        Refusal.NO_EFFECT,
        "Telegram does not take the message effect",
        "Sends the same without an effect.",
        ("effect_id_invalid", "effect_invalid"),
        ("Bad Request: EFFECT_ID_INVALID", "Bad Request: MESSAGE_EFFECT_INVALID"),
    ),
    Meaning(
        Refusal.NO_REACTION,
        "The group does not allow the reaction",
        "Leaves it out.",
        ("reaction_invalid", "reactions_too_many", "reaction_empty"),
        ("Bad Request: REACTION_INVALID", "Bad Request: REACTIONS_TOO_MANY"),
    ),
    Meaning(
        Refusal.STALE_QUERY,
        "A button or an inline query waited too long for its answer",
        "Answers in the chat, where something must be said.",
        ("query is too old", "query_id_invalid"),
        ("Bad Request: query is too old and response timeout expired or query ID is invalid",),
    ),
    Meaning(
        Refusal.ALREADY_REFUNDED,
        "The Stars were refunded before",
        "Counts it as done.",
        ("charge_already_refunded",),
        ("Bad Request: CHARGE_ALREADY_REFUNDED",),
    ),
    Meaning(
        Refusal.FORBIDDEN_MARKUP,
        "The server does not know a tag",
        "Sends the text once more without formatting. Please report it, or update the Bot API server.",
        ("can't parse entities", "unsupported start tag", r"entity_\w*invalid"),
        (
            'Bad Request: can\'t parse entities: Unsupported start tag "tg-time" at byte offset 5',
            "Bad Request: ENTITY_BOUNDS_INVALID",
        ),
    ),
    Meaning(
        Refusal.FORBIDDEN_BUTTON,
        "The server is older than 7.11 and does not know buttons that copy a text",
        "Leaves these buttons out, until it is restarted.",
        ("text buttons are unallowed",),
        (
            "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
    ),
)
"""In the order in which they are looked for: the first that fits is meant."""
