"""Everything that the bot answers to: the modules whose `COMMANDS`, `BUTTONS`, `REPLIES` and `EVENTS` are merged."""

from handlers import legacy
from handlers.account import groups, privacy, quota, settings, stats
from handlers.admin import access, grants, panel, plans, pricing_panel, providers, strikes
from handlers.chat.routes import Routes
from handlers.guide import catalog, help, prices, start, tips  # noqa: A004  the command is /help
from handlers.library import assets, ideas, recipes
from handlers.making import card, commands, improving, replies, try_on, video, words
from handlers.results import history, inline, results, tasks
from handlers.shop import buy

# Menus and /help list commands by section, and within a section in this order.
ROUTES = Routes.of_modules(
    legacy,
    *(video, card, commands, try_on, improving, replies, words),
    *(assets, ideas, recipes),
    *(tasks, history, results, inline),
    *(panel, grants, plans, pricing_panel, providers, access, strikes),
    *(settings, quota, privacy, stats, groups),
    *(help, start, catalog, prices, tips),
    *(buy,),
)
