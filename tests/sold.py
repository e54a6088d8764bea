"""What a provider that speaks a dialect can be said to sell, and the stand-in's key for it."""

from bot.demo.kling.accounts import keys
from bot.domain.requests import catalog as catalogs
from bot.kling.dialects.profile import is_newer_only

CATALOG = catalogs.load({})
FOLDED = ("kling-v2-5-turbo-std", "kling-v2-5-turbo-pro")
"""Only OmniMaaS sells the modes of a model as two."""

KEYS = keys()
FLAT_YEARS = ("kling-v1", "kling-v1-5", "kling-v1-6", "kling-v2")
OWN = tuple(row.id for row in CATALOG.known() if row.id not in FOLDED)
LEGACY = tuple(model for model in OWN if not is_newer_only(model))
"""The newer standard alone has the turbo of the third series and the fourth, and gateways speak the first."""

MODELS = {
    "official": OWN,
    "unified": OWN,
    "generic": LEGACY,
    "prefixed": LEGACY,
    "omnimaas": ("kling-v2-5-turbo", *FOLDED, "kling-v2-6"),
    "flat": tuple(model for model in LEGACY if model.startswith(FLAT_YEARS)),
}
"""The video models by dialect. Flat proxies know lengths of 5 and 10 seconds only."""
