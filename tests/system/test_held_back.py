"""A former box that shook hands with the broker before that knew it as one, and says CONNECT afterwards."""

import socket
import ssl

from branch import enrolled_box, give_its_name_away, show
from road.road import HOST, await_true
from town import Clock

HELD_BACK_S = 120  # evictions.c


def shake_hands(town, state):
    tls = ssl.create_default_context(cafile=str(town.broker_folder / "ca.pem"))
    tls.load_cert_chain(state / "identity/current.pem")
    return tls.wrap_socket(socket.create_connection((HOST, town.broker_port), 10), server_hostname=HOST)


def connect(name):
    """As MQTT 3.1.1 has it, with a clean session that needs no word for an hour."""
    body = b"\0\4MQTT\4\2\x0e\x10" + len(name).to_bytes(2, "big") + name.encode()
    return bytes([0x10, len(body)]) + body


def come_in_late(town, box, held, other):
    """With the name given away, and the former box put out as far as one sees."""
    give_its_name_away(town, box, other)
    await_true(lambda: show(town, box.device).get("evicted"), 30, "the eviction")
    held.sendall(connect(box.device))
    assert held.recv(4) == b"\x20\2\0\0"  # it is in


def test_who_held_back_its_connect_is_put_out_too(town, tmp_path):
    with enrolled_box(town, tmp_path, "0317") as box, shake_hands(town, box.state) as held:
        come_in_late(town, box, held, tmp_path / "other")
        held.settimeout(HELD_BACK_S + 30)
        assert held.recv(1) == b""


def test_hub_that_was_started_anew_meanwhile_puts_it_out_all_the_same(town, tmp_path):
    """Two minutes later, of which its clock says that they are over."""
    clock = Clock(tmp_path / "clock")
    with enrolled_box(town, tmp_path, "0318") as box, shake_hands(town, box.state) as held:
        come_in_late(town, box, held, tmp_path / "other")
        town.hub.kill()
        clock.jump(HELD_BACK_S * 1000)
        town.hub.command[:0] = clock.words()
        town.hub.start()
        held.settimeout(30)
        assert held.recv(1) == b""
