"""What every engine promises of invitations, exports and forgetting (the Store protocol)."""

from bot.domain.units import UserId
from tests.builders import ADA, NOW, XIAOLIN, stored

BOSS = UserId(1000)


async def inviter_of(store, user_id):
    user = await store.user(user_id)
    return user.invited_by


# -- invitations --------------------------------------------------------------------------------------


async def test_who_invited_somebody_is_kept_once(store):
    for person in (ADA, XIAOLIN, BOSS):
        await store.see_user(person, "Name", None, "en", NOW)
    assert await store.set_inviter(ADA, XIAOLIN)
    assert not await store.set_inviter(ADA, BOSS)
    assert await inviter_of(store, ADA) == XIAOLIN


async def test_nobody_is_invited_by_themselves_or_by_a_stranger(store):
    await store.see_user(ADA, "Ada", None, "en", NOW)
    assert not await store.set_inviter(ADA, ADA)
    assert not await store.set_inviter(ADA, UserId(99))
    assert await inviter_of(store, ADA) is None


async def test_somebody_who_has_made_videos_already_is_no_newcomer(store):
    for person in (ADA, XIAOLIN):
        await store.see_user(person, "Name", None, "en", NOW)
    await stored(store)
    assert not await store.set_inviter(ADA, XIAOLIN)
