"""Subtitles beside a film are put to it by their name, and only where nothing is guessed."""

from pathlib import Path

import pytest
from tests.hub.library import made, made_formats
from tests.hub.library.world import library_in, put_in

from densach_core.errors import NotFound
from densach_hub.library.model import Filters, State
from densach_hub.library.pairing import called
from densach_hub.library.service import Library

SRT = made_formats.SRT.encode()


def test_what_both_are_called() -> None:
    assert called("Quang hợp.mp4") == called("quang_hop.vi.srt") == called("Quang hợp [en].vtt") == called("quang-hop.srt")
    assert called("phim 1.mp4") != called("phim 2.srt")
    assert called("phim.abc.srt") != called("phim.mp4")


@pytest.mark.parametrize("film_first", [True, False])
async def test_in_either_order(library: Library, tmp_path: Path, film_first: bool) -> None:
    names = [("Quang hợp.mp4", made.mp4()), ("Quang hợp.vi.srt", SRT)]
    items = {name: (await put_in(library, tmp_path, name, body)).id for name, body in (names if film_first else names[::-1])}
    film, alone = items["Quang hợp.mp4"], items["Quang hợp.vi.srt"]
    (track,) = await library.tracks.of(film)
    assert (track.language, track.added) == ("vi", True)
    assert (await library.item(alone)).id == film
    answer = await library.finder.search("hôm nay ta học", Filters())
    assert [(one.card.id, one.hits[0].section) for one in answer.inside] == [(film, 65)]
    await library.cataloguer.rebuild()
    assert len((await library.finder.search("hôm nay ta học", Filters())).inside) == 1
    await library.take_back(alone)
    assert (await library.item(alone)).id == alone


async def test_two_films_of_one_name_get_none(library: Library, tmp_path: Path) -> None:
    for body in (made.mp4(), made.mp4(seconds=80)):
        await put_in(library, tmp_path, "Bài 1.mp4", body)
    alone = await put_in(library, tmp_path, "Bài 1.srt", SRT)
    assert (await library.item(alone.id)).state is State.READY


async def test_what_nobody_approved_reaches_no_film_until_somebody_does(tmp_path: Path) -> None:
    async with library_in(tmp_path / "data") as library:
        film = await put_in(library, tmp_path, "Bài 1.mp4", made.mp4())
        path = tmp_path / "x"
        path.write_bytes(SRT)
        brought = await library.add_file(path, by="test", name="Bài 1.srt", offered_by="teacher")
        await library.cataloguer.read_waiting()
        assert await library.tracks.of(film.id) == []
        with pytest.raises(NotFound):
            await library.item(brought.item)
        await library.offers.review(brought.item, approved=True, by="librarian")
        assert len(await library.tracks.of(film.id)) == 1
        assert (await library.item(brought.item)).id == film.id
