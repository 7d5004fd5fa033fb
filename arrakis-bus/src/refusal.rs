//! What every bus of this package refuses alike.

use arrakis_core::Error;

/// An event behind one with its key that failed.
pub(crate) fn held_back() -> Error {
    Error::unavailable("bus.event.held_back", "an earlier event with this key was not taken")
}

/// An event whose data no retry makes smaller.
pub(crate) fn too_large(length: usize, length_max: usize) -> Error {
    Error::invalid("bus.event.too_large", "the data of the event is larger than the bus carries")
        .with("length", length)
        .with("length_max", length_max)
}

/// A group that was made with other filters.
pub(crate) fn differs(group: &str) -> Error {
    Error::conflict("bus.group.differs", "the group was made with other filters: remove it first").with("group", group)
}
