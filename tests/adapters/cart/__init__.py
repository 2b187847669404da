"""自社カート: the proof of its calls and the reading of its documents."""
