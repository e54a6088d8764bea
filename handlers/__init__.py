"""Everything that the bot answers to, merged from what each folder declares."""

from handlers import legacy
from handlers.chat.routes import Routes
from handlers.library import assets, ideas, recipes
from handlers.shop import buy

# The order is that of the menus and of /help within a section.
ROUTES = Routes.of(
    commands=(*legacy.COMMANDS, *assets.COMMANDS, *ideas.COMMANDS, *recipes.COMMANDS, *buy.COMMANDS),
    buttons=(*legacy.BUTTONS, *assets.BUTTONS, *ideas.BUTTONS, *recipes.BUTTONS, *buy.BUTTONS),
    replies=(*legacy.REPLIES, *assets.REPLIES, *ideas.REPLIES, *recipes.REPLIES),
    events=(*legacy.EVENTS, *buy.EVENTS),
)
