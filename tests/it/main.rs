//! What the packages do together: the services over every store.

mod service;
