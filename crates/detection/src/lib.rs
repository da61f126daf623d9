//! What a session meant: primitives found in its events, exactly one behavior, and the score of an address. Pure: no I/O, no clock.
