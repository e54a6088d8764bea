"""Kling's effects as products: found in both languages, each with a category, what it takes, and a price."""

import pytest

from bot.domain.requests import catalog
from bot.domain.requests.effects import Effect, EffectCategory, EffectInput, load_effects
from bot.errors import UserError
from bot.i18n import NAMES, for_language, in_every_language

EFFECTS = load_effects(in_every_language)
ALL = EFFECTS.search("")


def test_there_are_218_and_each_stands_in_one_category():
    assert len(EFFECTS) == len(ALL) == 218
    categories = EFFECTS.by_category()
    assert set(categories) == set(EffectCategory)
    assert sorted(effect.scene for some in categories.values() for effect in some) == sorted(
        effect.scene for effect in ALL
    )


@pytest.mark.parametrize("language", NAMES)
def test_every_title_is_its_own_in_each_language_and_finds_its_effect(language):
    t = for_language(language)
    titles = {t(effect.key): effect for effect in ALL}
    assert len(titles) == len(ALL)
    for title, effect in titles.items():
        assert EFFECTS.find(title, 1) == effect
        EFFECTS.check(title)
        assert effect in EFFECTS.search(title)


def test_effects_are_found_by_the_names_that_kling_gives_them():
    assert EFFECTS.find("Hug Pro", 1) == Effect("hug_pro", EffectInput.TWO, EffectCategory.TOGETHER)
    assert EFFECTS.find("swing_swing", 1).scene == "swing_swing"
    assert EFFECTS.nearest("hug por") == "hug_pro"
    assert {effect.scene for effect in EFFECTS.search("pet dance")} >= {"drunk_dance_pet", "pet_dance"}


@pytest.mark.parametrize(
    ("words", "scene"),
    [
        ("亲吻", "kiss_pro"),
        ("科目三", "subject_3_dance"),
        ("宠物", "pet_dance"),
        ("万圣节 女巫", "witch_transform"),
    ],
)
def test_effects_are_found_by_chinese_words_and_by_their_category(words, scene):
    assert scene in {effect.scene for effect in EFFECTS.search(words)}


def test_a_name_that_is_not_in_the_list_goes_to_kling_as_it_is():
    assert EFFECTS.find("brand new", 2) == Effect("brand_new", EffectInput.TWO)
    assert EFFECTS.find("brand new", 1).images == 1
    with pytest.raises(UserError, match=r"error\.effect\.unknown"):
        EFFECTS.check("brand new")


def test_what_an_effect_takes_is_one_photo_one_of_a_pet_or_two():
    assert {effect.images for effect in EFFECTS.search("", 2)} == {2}
    assert len(EFFECTS.search("", 2)) == 15
    pets = [effect for effect in ALL if effect.input is EffectInput.PET]
    assert pets
    assert {effect.images for effect in pets} == {1}


def test_every_price_of_a_single_effect_is_of_one_that_exists():
    row = next(row for row in catalog.load().section("services") if row.id == "effects")
    assert row.effect_each
    assert set(row.effect_each) <= {effect.scene for effect in ALL}
