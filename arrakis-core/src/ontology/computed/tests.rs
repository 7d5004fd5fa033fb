//! What each operator comes to.
