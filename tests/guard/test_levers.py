"""Levers: obeyed on the next read, kept when the file can't be read."""

from pathlib import Path

import pytest

from fairlead.core import InvalidInput
from fairlead.guard import FileLevers, Lever, LeversGone, begin_levers, read_levers, write_levers

LEVER = Lever(id="lev_1", kind="tool", target="send_email", by="acc_1", at_us=1)


def test_a_lever_pulled_by_another_process_holds_on_the_next_read(tmp_path: Path) -> None:
    path = tmp_path / "levers.json"
    levers = FileLevers(path)
    assert levers.current() == ()
    write_levers(path, (LEVER,))
    assert levers.current() == (LEVER,)
    write_levers(path, ())
    assert levers.current() == ()


@pytest.mark.parametrize("damage", ["delete", "garbage", "folder"])
def test_a_lever_file_that_cannot_be_read_keeps_the_last_known_state_and_is_counted(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "levers.json"
    write_levers(path, (LEVER,))
    levers = FileLevers(path)
    path.unlink()
    if damage == "garbage":
        path.write_text("{")
    elif damage == "folder":
        path.mkdir()
    assert levers.current() == (LEVER,)
    assert levers.unreadable == 1


def test_a_damaged_file_at_the_start_is_an_error_since_there_is_no_last_state(tmp_path: Path) -> None:
    path = tmp_path / "levers.json"
    path.write_text("[{]")
    with pytest.raises(InvalidInput):
        FileLevers(path)


def test_a_folder_that_never_served_begins_with_no_levers_and_keeps_those_it_has(tmp_path: Path) -> None:
    path = tmp_path / "new" / "levers.json"
    begin_levers(path, served=False)
    assert read_levers(path) == ()
    write_levers(path, (LEVER,))
    begin_levers(path, served=False)
    begin_levers(path, served=True)
    assert read_levers(path) == (LEVER,)
    assert [entry.name for entry in path.parent.iterdir()] == ["levers.json"]


def test_a_folder_that_served_and_lost_its_levers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LeversGone):
        begin_levers(tmp_path / "levers.json", served=True)
    assert not (tmp_path / "levers.json").exists()


def test_a_lever_for_one_tenant_holds_for_no_other() -> None:
    lever = Lever(id="lev_1", kind="tool", target="send_email", by="acc_1", at_us=1, tenant="t1")
    assert lever.holds("tool", "send_email", "t1")
    assert not lever.holds("tool", "send_email", "t2")
    assert not lever.holds("model", "send_email", "t1")


def test_reading_a_file_that_was_never_written_gives_no_levers(tmp_path: Path) -> None:
    assert read_levers(tmp_path / "none.json") == ()
