"""Keys are never shown; wrapped keys open only with their master key and for what they belong to."""

from __future__ import annotations

import copy
import os
import pickle
import stat
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from datalab.errors import OutputFailed
from datalab.storage import Key, MasterKeyFile, MasterKeys, Rewrapped, WrappedKey, master_keys, rewrap
from datalab.storage.errors import KeyFileExposed, KeyInvalid, KeyMismatch, MasterKeyMissing, RotationUnfinished
from datalab.storage.keys import master_id


class Ring:
    """A keyring in memory; `crash_at` makes a replacement fail before anything of it is stored."""

    def __init__(self, service: MasterKeys | MasterKeyFile, keys: dict[str, Key]) -> None:
        self.wrapped = {context: service.wrap(key, context) for context, key in keys.items()}
        self.crash = False
        self.ignores: set[str] = set()

    def wrapped_keys(self) -> Iterable[tuple[str, WrappedKey]]:
        return list(self.wrapped.items())

    def replace(self, changes: Sequence[Rewrapped]) -> None:
        if self.crash:
            raise KeyboardInterrupt
        for change in changes:
            if self.wrapped.get(change.context) == change.before and change.context not in self.ignores:
                self.wrapped[change.context] = change.after


def test_a_key_is_32_bytes_random_or_given() -> None:
    assert len(Key().material) == 32 and Key() != Key()
    assert Key(bytes(32)) == Key(bytes(32)) and hash(Key(bytes(32))) == hash(Key(bytes(32)))
    assert Key(bytes(32)) != bytes(32)
    for length in (0, 16, 31, 33):
        with pytest.raises(KeyInvalid, match="invalid length, must be 32 bytes"):
            Key(bytes(length))


def test_a_key_gets_into_no_text_and_no_pickle() -> None:
    key = Key(b"planted-key-planted-key-planted!")
    for text in (repr(key), str(key), f"{key}", repr([key]), repr(MasterKeys([key])), repr(MasterKeyFile(Path("x")))):
        assert "planted" not in text
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(key)
    assert copy.copy(key) is key and copy.deepcopy([key]) == [key]


def test_derived_keys_differ_by_purpose_and_salt(key: Key) -> None:
    derived = {key.derive(purpose, salt).material for purpose in ("a", "b") for salt in (b"", b"1", b"2")}
    assert len(derived) == 6 and key.material not in derived
    assert key.derive("a", b"1") == key.derive("a", b"1")


def test_wrapping_comes_back_and_is_different_every_time(key: Key) -> None:
    service = MasterKeys([Key()])
    one, other = service.wrap(key, "dataset-1"), service.wrap(key, "dataset-1")
    assert one != other and key.material not in one.sealed
    assert service.unwrap(one, "dataset-1") == key == service.unwrap(WrappedKey.from_text(other.to_text()), "dataset-1")


def test_a_wrapped_key_opens_only_unchanged_in_its_place(key: Key) -> None:
    service = MasterKeys([Key()])
    wrapped = service.wrap(key, "dataset-1")
    with pytest.raises(KeyMismatch):
        service.unwrap(wrapped, "dataset-2")
    for position in range(len(wrapped.sealed)):
        changed = bytearray(wrapped.sealed)
        changed[position] ^= 1
        with pytest.raises(KeyMismatch):
            service.unwrap(WrappedKey(wrapped.master_id, bytes(changed)), "dataset-1")
    with pytest.raises(KeyMismatch):
        service.unwrap(WrappedKey(wrapped.master_id, b""), "dataset-1")
    with pytest.raises(MasterKeyMissing, match=wrapped.master_id):
        MasterKeys([Key()]).unwrap(wrapped, "dataset-1")


@pytest.mark.parametrize("text", ["", "1", "1.", "1.a", "2.a.AAAA", "x", "1..AAAA", "1.a.A", "1.a.????", "1.a.é"])
def test_a_text_that_is_no_wrapped_key(text: str) -> None:
    with pytest.raises(KeyInvalid):
        WrappedKey.from_text(text)


def test_the_master_key_file_is_made_once_with_mode_0600(tmp_path: Path, key: Key) -> None:
    home = tmp_path / "new" / "home"
    service = master_keys(home)
    assert not home.exists()
    wrapped = service.wrap(key, "x")
    assert stat.S_IMODE((home / "master.key").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["master.key"]
    assert master_keys(home, " ").unwrap(wrapped, "x") == key
    assert wrapped.master_id == service.current


def test_many_threads_at_first_use_get_one_master_key(tmp_path: Path) -> None:
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda: seen.append(MasterKeyFile(tmp_path / "master.key").current)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8 and len(set(seen)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_master_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    service = master_keys(tmp_path)
    assert service.current
    (tmp_path / "master.key").chmod(mode)
    with pytest.raises(KeyFileExposed, match="chmod 600"):
        service.wrap(Key(), "x")


def test_a_lost_master_key_is_not_replaced_by_reading(tmp_path: Path, key: Key) -> None:
    service = MasterKeyFile(tmp_path / "master.key")
    wrapped = service.wrap(key, "x")
    (tmp_path / "master.key").unlink()
    with pytest.raises(MasterKeyMissing, match="none"):
        service.unwrap(wrapped, "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "planted", "AAAA\n", "é", "?" * 43])
def test_a_file_that_is_no_key(tmp_path: Path, content: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyInvalid) as caught:
        MasterKeyFile(path).wrap(Key(), "x")
    assert "planted" not in str(caught.value)


def test_a_place_that_cannot_hold_the_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed):
        MasterKeyFile(tmp_path / "file" / "master.key").wrap(Key(), "x")


def test_the_master_key_of_the_environment(tmp_path: Path, key: Key) -> None:
    old, new = Key(), Key()
    wrapped = master_keys(tmp_path, old.to_text().rstrip("=")).wrap(key, "x")
    both = master_keys(tmp_path, f"{new.to_text()}, {old.to_text()}")
    assert both.unwrap(wrapped, "x") == key
    assert both.current == master_id(new) != wrapped.master_id == master_id(old)
    assert list(tmp_path.iterdir()) == []
    for wrong in ("planted", "AAAA", f"{new.to_text()},planted", ","):
        with pytest.raises(KeyInvalid, match="DATALAB_MASTER_KEY") as caught:
            master_keys(tmp_path, wrong)
        assert "planted" not in str(caught.value)


def test_rotation_wraps_everything_anew_and_forgets_the_old_key(tmp_path: Path) -> None:
    keys = {f"dataset-{number}": Key() for number in range(5)}
    service = MasterKeyFile(tmp_path / "master.key")
    ring = Ring(service, keys)
    old_file, old_id, old = (tmp_path / "master.key").read_bytes(), service.current, dict(ring.wrapped)

    assert service.rotate(ring) == 5
    assert service.current != old_id
    assert {context: service.unwrap(wrapped, context) for context, wrapped in ring.wrapped.items()} == keys
    assert old_file.strip() not in (tmp_path / "master.key").read_bytes()
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    with pytest.raises(MasterKeyMissing):
        service.unwrap(old["dataset-0"], "dataset-0")
    assert service.rotate(Ring(service, {})) == 0


def test_rotation_can_crash_anywhere_and_is_finished_by_the_next(tmp_path: Path) -> None:
    keys = {f"dataset-{number}": Key() for number in range(3)}
    service = MasterKeyFile(tmp_path / "master.key")
    ring = Ring(service, keys)
    old_id = service.current
    ring.crash = True
    with pytest.raises(KeyboardInterrupt):
        service.rotate(ring)
    begun = service.current
    ring.wrapped["meanwhile"] = service.wrap(keys["dataset-0"], "meanwhile")
    assert begun != old_id
    for context, key in keys.items():
        assert service.unwrap(ring.wrapped[context], context) == key
    (tmp_path / ".master.key.abc.part").write_bytes(b"left by a crash")
    ring.crash = False
    assert service.rotate(ring) == 3
    assert service.current == begun
    assert sorted(path.name for path in tmp_path.iterdir()) == ["master.key", "master.lock"]
    assert service.unwrap(ring.wrapped["meanwhile"], "meanwhile") == keys["dataset-0"]


def test_rotation_keeps_the_old_key_while_something_needs_it(tmp_path: Path) -> None:
    service = MasterKeyFile(tmp_path / "master.key")
    ring = Ring(service, {"a": Key(), "b": Key()})
    ring.ignores = {"b"}
    with pytest.raises(RotationUnfinished, match="1 data key "):
        service.rotate(ring)
    assert service.unwrap(ring.wrapped["b"], "b")

    ring.wrapped["c"] = WrappedKey("feedfeedfeedfeed", os.urandom(60))
    with pytest.raises(MasterKeyMissing):
        service.rotate(ring)
    assert service.unwrap(ring.wrapped["b"], "b")


def test_rewrapping_with_a_key_service_of_ones_own() -> None:
    class Cloud:
        """What an adapter of a cloud's key service looks like."""

        current = "arn:key/2"

        def wrap(self, key: Key, context: str) -> WrappedKey:
            return WrappedKey(self.current, key.material[::-1])

        def unwrap(self, wrapped: WrappedKey, context: str) -> Key:
            return Key(wrapped.sealed[::-1])

    ring = Ring(MasterKeys([Key()]), {})
    key = Key()
    ring.wrapped["a"] = WrappedKey("arn:key/1", key.material[::-1])
    assert rewrap(ring, Cloud()) == 1
    assert ring.wrapped["a"].master_id == "arn:key/2"
    assert rewrap(ring, Cloud()) == 0
