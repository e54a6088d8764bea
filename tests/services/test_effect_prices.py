from bot.domain.requests.operations import Operation
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import PLACEHOLDER
from bot.services.compose import Images, Inputs


def composed(compose, effect):
    """What an effect costs as a person would ask for it."""
    inputs = Inputs(Images(references=(PLACEHOLDER,) * effect.images))
    return compose.price(compose.compose(Operation.EFFECT, inputs, ParsedPrompt(effect.scene)))


async def test_effects_that_are_listed_cost_what_they_do_when_asked_for(world):
    compose = world.services.compose
    known = [effect for some in compose.effects.by_category().values() for effect in some]
    assert compose.price_effects(known) == [(effect, composed(compose, effect)) for effect in known]
    # There are prices of their own, or the comparison would say nothing.
    assert len({price for _, price in compose.price_effects(known)}) > 1
