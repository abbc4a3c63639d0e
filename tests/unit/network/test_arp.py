"""The announcement is the frame that RFC 5227 describes."""

from runner.network.arp import announcement


def test_a_request_for_the_sender_s_own_address() -> None:
    frame = announcement(bytes.fromhex("0242ac110002"), bytes([172, 17, 0, 2]))
    assert frame == bytes.fromhex(
        "ffffffffffff 0242ac110002 0806"
        "0001 0800 06 04 0001"
        "0242ac110002 ac110002"
        "000000000000 ac110002"
    )
