"""Work that goes on by itself: step functions that do what waits and say how much, and the loops that call them."""
