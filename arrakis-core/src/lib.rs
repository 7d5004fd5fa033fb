//! Domain logic.
