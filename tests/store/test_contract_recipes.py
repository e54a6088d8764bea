"""What every engine promises of recipes, and of what people are asked to send next."""

from dataclasses import replace

import pytest

from bot.domain.library.recipe import Recipe
from bot.store import PendingQuestion, RecipeRefused
from tests.builders import ADA, ADAS_CHAT, NOW, XIAOLIN
from tests.store.steps import LATER, after

FOX = Recipe("F0X000000001", ADA, "Fox", {"prompt": "a fox", "duration": 5}, 1, 0, NOW)
BOAT = replace(FOX, token="B0AT00000001", name="Boat", frames=0, references=3, created_at=after(1))


async def test_recipes_read_back_as_they_were_kept_newest_first(store):
    await store.library.save_recipe(FOX, 10)
    await store.library.save_recipe(BOAT, 10)
    assert await store.library.get_recipe(FOX.token) == FOX
    assert await store.library.get_recipe("N0TH1NG00000") is None
    assert await store.library.list_recipes(ADA) == [BOAT, FOX]
    assert await store.library.list_recipes(XIAOLIN) == []


async def test_a_name_is_given_once_by_each_person_in_any_case(store):
    await store.library.save_recipe(FOX, 10)
    with pytest.raises(RecipeRefused) as refused:
        await store.library.save_recipe(replace(BOAT, name="FOX"), 10)
    assert refused.value.name_taken
    await store.library.save_recipe(replace(BOAT, user_id=XIAOLIN, name="FOX"), 10)
    assert [recipe.name for recipe in await store.library.list_recipes(XIAOLIN)] == ["FOX"]


async def test_a_recipe_can_be_renamed_and_is_still_one(store):
    await store.library.save_recipe(FOX, 1)
    await store.library.save_recipe(replace(FOX, name="FOX!"), 1)
    assert [recipe.name for recipe in await store.library.list_recipes(ADA)] == ["FOX!"]


async def test_nobody_keeps_more_than_are_allowed(store):
    await store.library.save_recipe(FOX, 1)
    with pytest.raises(RecipeRefused) as refused:
        await store.library.save_recipe(BOAT, 1)
    assert not refused.value.name_taken
    assert await store.library.get_recipe(BOAT.token) is None


async def test_only_the_owner_deletes_a_recipe(store):
    await store.library.save_recipe(FOX, 10)
    assert not await store.library.delete_recipe(XIAOLIN, FOX.token)
    assert await store.library.get_recipe(FOX.token) == FOX
    assert await store.library.delete_recipe(ADA, FOX.token)
    assert not await store.library.delete_recipe(ADA, FOX.token)
    assert await store.library.get_recipe(FOX.token) is None


async def test_a_person_is_asked_for_one_thing_at_a_time_in_a_chat(store):
    photo = PendingQuestion(ADA, ADAS_CHAT, "photo", FOX.token, NOW)
    await store.drafts.save_question(photo)
    assert await store.drafts.get_question(ADA, ADAS_CHAT) == photo
    name = replace(photo, kind="name", asked_at=after(1))
    await store.drafts.save_question(name)
    assert await store.drafts.get_question(ADA, ADAS_CHAT) == name
    assert await store.drafts.get_question(XIAOLIN, ADAS_CHAT) is None
    await store.drafts.delete_question(ADA, ADAS_CHAT)
    assert await store.drafts.get_question(ADA, ADAS_CHAT) is None


async def test_what_nobody_waits_for_any_more_is_forgotten(store):
    await store.drafts.save_question(PendingQuestion(ADA, ADAS_CHAT, "photo", FOX.token, NOW))
    await store.operations.clean(LATER)
    assert await store.drafts.get_question(ADA, ADAS_CHAT) is None
