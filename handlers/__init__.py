"""Everything that the bot answers to: the modules whose `COMMANDS`, `BUTTONS`, `QUESTIONS` and `EVENTS` are merged."""

from handlers.account import privacy, quota, settings, stats
from handlers.admin import (
    access,
    actions,
    added_providers,
    announcements,
    business,
    costs,
    grants,
    overrides,
    panel,
    panel_people,
    panel_tasks,
    promos,
    providers,
)
from handlers.chat.routes import Routes
from handlers.guide import catalog, start, tips
from handlers.library import assets, ready_made, templates
from handlers.making import brush, card, commands, effects, films, late, marking, names, video
from handlers.results import history, inline, replies, results, tasks
from handlers.shop import buy, refunds

# Menus and /help list commands by section, and within a section in this order.
ROUTES = Routes.of_modules(
    *(video, card, names, commands, films, late, marking, brush),
    *(assets, ready_made, templates),
    *(tasks, history, results, replies, inline),
    *(
        panel,
        panel_people,
        panel_tasks,
        overrides,
        grants,
        actions,
        providers,
        added_providers,
        costs,
        business,
        access,
        promos,
    ),
    *(settings, quota, privacy, stats, announcements),
    *(start, catalog, effects, tips),
    *(buy, refunds),
)
