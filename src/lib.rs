//! Arrakis.
