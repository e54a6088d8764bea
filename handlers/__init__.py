"""Everything that the bot answers to: the modules whose `COMMANDS`, `BUTTONS`, `REPLIES` and `EVENTS` are merged."""

from handlers import legacy
from handlers.account import groups, privacy, quota, settings, stats
from handlers.admin import access, grants, panel, plans, pricing_panel, providers, strikes
from handlers.chat.routes import Routes
from handlers.guide import catalog, help, prices, start, tips  # noqa: A004  the command is /help
from handlers.library import assets, ideas, recipes
from handlers.making import card, commands, video
from handlers.results import history, inline, replies, results, tasks
from handlers.shop import buy

# Menus and /help list commands by section, and within a section in this order.
ROUTES = Routes.of_modules(
    legacy,
    *(video, card, commands),
    *(assets, ideas, recipes),
    *(tasks, history, results, replies, inline),
    *(panel, grants, plans, pricing_panel, providers, access, strikes),
    *(settings, quota, privacy, stats, groups),
    *(help, start, catalog, prices, tips),
    *(buy,),
)
