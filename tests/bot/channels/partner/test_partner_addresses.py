"""The addresses that we call and fetch from: never those of metadata services, plain http only inside."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from bot.channels.addresses import ForbiddenAddress, Reach, addresses_of, is_forbidden

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("address", "everywhere", "inside"),
    [
        ("93.184.216.34", True, False), ("2606:2800:220:1::1", True, False), ("100.64.0.1", True, False),
        ("127.0.0.1", True, True), ("::1", True, True), ("10.1.2.3", True, True), ("192.168.0.9", True, True),
        ("172.16.0.1", True, True), ("fd12::1", True, True), ("::ffff:10.1.2.3", True, True),
        ("169.254.169.254", False, False), ("169.254.0.23", False, False), ("fe80::1", False, False),
        ("100.100.100.200", False, False), ("192.0.0.192", False, False), ("fd00:ec2::254", False, False),
        ("::ffff:169.254.169.254", False, False), ("::ffff:100.100.100.200", False, False),
        ("0.0.0.0", False, False), ("::", False, False), ("224.0.0.1", False, False), ("ff02::1", False, False),
    ],
)  # fmt: skip
def test_metadata_and_link_local_addresses_are_never_called_and_http_stays_inside(
    address: str, everywhere: bool, inside: bool
) -> None:
    assert is_forbidden(address, only_inside=False) is not everywhere
    assert is_forbidden(address, only_inside=True) is not inside


async def test_a_host_with_one_bad_address_among_good_ones_is_not_called() -> None:
    with pytest.raises(ForbiddenAddress):
        await Reach(lambda _host: ["93.184.216.34", "169.254.169.254"], only_inside=False).check("app.example")


async def test_a_host_is_looked_up_once_a_minute_only_while_it_is_good() -> None:
    asked: list[str] = []

    def look_up(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if host == "good" else ["169.254.0.1"]

    reach = Reach(look_up, only_inside=False)
    await reach.check("good")
    await reach.check("good")
    for _ in range(2):
        with pytest.raises(ForbiddenAddress):
            await reach.check("bad")
    assert asked == ["good", "bad", "bad"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "2130706433"])
def test_the_system_knows_this_machine_under_every_name(host: str) -> None:
    assert all(ip_address(address).is_loopback for address in addresses_of(host))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 64 + ".example"])
def test_a_name_that_nobody_knows_is_an_error_of_the_network(host: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011  # its words are the system's
        addresses_of(host)
