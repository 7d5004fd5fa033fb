//! Loopback ports that stay free for a server while it is down.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports are taken from here: below those systems give to outgoing connections (from 32,768 or above), so that no client can
/// take, or connect to itself on, the port of a server that is down for a moment.
const FIRST: u32 = 20_000;

/// How many ports there are to choose from.
const COUNT: u32 = 10_000;

/// How far apart processes begin to look, so that they seldom meet.
const STRIDE: u32 = 97;

/// A port reserved for one server of this machine's tests until it is dropped.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    /// Locked while the port is reserved; the system unlocks it when the process ends, however it ends.
    _lock: File,
}

impl Port {
    /// Reserves a port nobody listens on and no other test has reserved.
    pub(super) fn free() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let offset = std::process::id().wrapping_mul(STRIDE).wrapping_add(step) % COUNT;
            let number = u16::try_from(FIRST + offset).map_err(|error| error.to_string())?;
            if let Some(lock) = reserve(number)?
                && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
            {
                return Ok(Self { number, _lock: lock });
            }
        }
        Err(format!("no free port from {FIRST} to {}", FIRST + COUNT - 1))
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }
}

/// The lock of a port, or nothing when another process holds it.
fn reserve(number: u16) -> Result<Option<File>, String> {
    let folder = std::env::temp_dir().join("arrakis-test-ports");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let path = folder.join(number.to_string());
    // A file of another user cannot be opened: then the port is theirs.
    let Ok(file) = OpenOptions::new().create(true).truncate(false).write(true).open(path) else {
        return Ok(None);
    };
    Ok(file.try_lock().is_ok().then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_not_given_twice() {
        let first = Port::free().expect("a port");
        let again = reserve(first.number()).expect("a folder for locks");
        assert!(again.is_none());
        let second = Port::free().expect("a port");
        assert_ne!(first.number(), second.number());
        let number = first.number();
        drop(first);
        assert!(reserve(number).expect("a folder for locks").is_some());
    }
}
