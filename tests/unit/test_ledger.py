from lvpipe.ledger import Ledger, combined_digest, digest


def test_events_keep_their_order_and_round_positions():
    ledger = Ledger()
    ledger.note("a_rule", "did this", 1.23456)
    ledger.note("another", "did that")
    assert ledger.rows() == [
        {"rule": "a_rule", "position_mm": 1.235, "what": "did this"},
        {"rule": "another", "position_mm": None, "what": "did that"},
    ]


def test_a_combined_digest_knows_contents_and_no_order():
    one, other = digest(b"1"), digest(b"2")
    assert combined_digest([one, other]) == combined_digest([other, one])
    assert combined_digest([one, other]) != combined_digest([one, one])
