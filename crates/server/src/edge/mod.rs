//! What stands before the protocols.
