//! What an adapter offers beyond the ports' common ground.

/// Declared by an adapter and then tested by the suites; what is missing answers `Unsupported`, never a silent no-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each flag is an independent fact about an adapter, not a state")]
pub struct Capability {
    /// Acknowledged commits survive a crash of the process.
    pub durable: bool,
    /// Other processes may open the same store at the same time.
    pub shared: bool,
    /// Any past state can be read, back to the first commit.
    pub as_of: bool,
    /// Queries stop at their time budget.
    pub budget: bool,
}
