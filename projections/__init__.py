"""Tables made from facts; every one can be dropped and replayed."""
