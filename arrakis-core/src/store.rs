//! What a deployment's store is: the sum of the ports.

use crate::Capability;
use crate::archive::ArchiveStore;
use crate::commit::CommitLog;
use crate::kernel::ObjectStore;
use crate::ontology::OntologyStore;
use crate::relay::RelayStore;

/// A store that answers every port. Upcasts to each of them: `Arc<dyn Store>` is an `Arc<dyn ObjectStore>` by assignment.
pub trait Store: CommitLog + OntologyStore + ObjectStore + RelayStore + ArchiveStore {
    /// What the adapter offers.
    fn capability(&self) -> Capability;
}
