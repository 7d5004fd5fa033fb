//! A TCP proxy on loopback that breaks connections when it is told to, for tests of what clients do then.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// The most connections at a time; further ones are closed at once.
const CONNECTIONS_MAX: usize = 1_024;

/// The most bytes read at once.
const CHUNK_BYTES: usize = 16 * 1_024;

/// How long the server behind the proxy may take to accept.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a cut at a byte waits for bytes before it that a receiver does not take.
const CUT_TIMEOUT: Duration = Duration::from_secs(5);

/// A proxy in front of one server. Dropped, it closes its connections and its port.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy to the server at `to` on a free loopback port. The server need not be up.
    ///
    /// # Panics
    /// When the system gives no port or no thread.
    pub fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap_or_else(|error| panic!("no port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no port: {error}"));
        let shared = Arc::new(Shared::default());
        let acceptor = spawn("proxy-accept", {
            let shared = Arc::clone(&shared);
            move || accept(&shared, &listener, to)
        });
        Self { shared, address, acceptor: Some(acceptor) }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections, towards the client and towards the server, now. New ones are served.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Closes all connections once `bytes` more have passed, counted in both directions over all connections: exactly so many
    /// reach their receivers. Then new connections are served without a limit. Replaces what an earlier call asked for.
    pub fn cut_after(&self, bytes: u64) {
        let mut state = self.shared.lock();
        state.left = Some(bytes);
        state.cut_when_due();
        self.shared.changed.notify_all();
    }

    /// Closes all connections, and until it is called with `false` also each new one as soon as it is accepted.
    pub fn refuse(&self, refuses: bool) {
        let mut state = self.shared.lock();
        state.refuses = refuses;
        if refuses {
            state.cut();
        }
        self.shared.changed.notify_all();
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.lock().open.len()
    }

    /// How many bytes have passed, in both directions over all connections.
    pub fn bytes(&self) -> u64 {
        self.shared.lock().bytes
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.cut();
        // Wakes the thread that waits for a connection.
        let woken = TcpStream::connect_timeout(&self.address, CONNECT_TIMEOUT).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when connections were cut, or bytes may pass that could not.
    changed: Condvar,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<u64, Connection>,
    /// The number of the next connection.
    next: u64,
    refuses: bool,
    /// How many bytes may pass until all connections are cut.
    left: Option<u64>,
    /// How many bytes have passed or are on their way.
    bytes: u64,
}

#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
    /// In how many directions bytes may still come.
    directions: u8,
    /// How many bytes were let through and have not been written yet.
    on_the_way: u64,
}

impl State {
    fn close(&mut self, number: u64) {
        if let Some(connection) = self.open.remove(&number) {
            // A peer that closed first has left nothing to close.
            let _ = connection.client.shutdown(Shutdown::Both);
            let _ = connection.server.shutdown(Shutdown::Both);
        }
    }

    fn cut(&mut self) {
        while let Some((number, _)) = self.open.first_key_value() {
            self.close(*number);
        }
        self.left = None;
    }

    fn cut_when_due(&mut self) {
        if self.left == Some(0) && self.open.values().all(|connection| connection.on_the_way == 0) {
            self.cut();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self) {
        self.lock().cut();
        self.changed.notify_all();
    }

    /// Takes note of a connection, unless there may be no more; its number.
    fn admit(&self, client: &TcpStream, server: &TcpStream) -> io::Result<Option<u64>> {
        let connection =
            Connection { client: client.try_clone()?, server: server.try_clone()?, directions: 2, on_the_way: 0 };
        let mut state = self.lock();
        if state.refuses || state.open.len() >= CONNECTIONS_MAX {
            return Ok(None);
        }
        let number = state.next;
        state.next += 1;
        state.open.insert(number, connection);
        Ok(Some(number))
    }

    /// How many of `wanted` bytes of a connection may pass now; nothing when it was cut. Waits for the cut that is due.
    fn permit(&self, number: u64, wanted: usize) -> Option<usize> {
        let mut state = self.lock();
        loop {
            let left = state.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
            let connection = state.open.get_mut(&number)?;
            if left > 0 {
                let count = wanted.min(left);
                connection.on_the_way += count as u64;
                state.left = state.left.map(|left| left - count as u64);
                // Before they are written: whoever has read them finds them counted.
                state.bytes += count as u64;
                return Some(count);
            }
            let (woken, wait) = self.changed.wait_timeout(state, CUT_TIMEOUT).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if wait.timed_out() {
                state.cut();
                self.changed.notify_all();
            }
        }
    }

    /// Takes note that permitted bytes were written, or that they could not be.
    fn passed(&self, number: u64, count: usize, is_written: bool) {
        let mut state = self.lock();
        if let Some(connection) = state.open.get_mut(&number) {
            connection.on_the_way -= count as u64;
        }
        if !is_written {
            state.bytes -= count as u64;
            state.close(number);
        }
        state.cut_when_due();
        self.changed.notify_all();
    }

    /// Takes note that no more bytes come in one direction.
    fn ended(&self, number: u64) {
        let mut state = self.lock();
        if let Some(connection) = state.open.get_mut(&number) {
            connection.directions -= 1;
            if connection.directions == 0 {
                state.close(number);
            }
        }
    }
}

/// Takes connections until the proxy is closed, then waits for the threads that serve them.
fn accept(shared: &Arc<Shared>, listener: &TcpListener, to: SocketAddr) {
    let mut pumps: Vec<JoinHandle<()>> = Vec::new();
    for client in listener.incoming() {
        if shared.closed.load(Ordering::Acquire) {
            break;
        }
        pumps.retain(|pump| !pump.is_finished());
        // A client that gave up, or a server that is down: either way the client's end is closed.
        pumps.extend(client.and_then(|client| serve(shared, client, to)).unwrap_or_default());
    }
    shared.cut();
    for pump in pumps {
        let _ = pump.join();
    }
}

/// Connects a client to the server, a thread for each direction.
fn serve(shared: &Arc<Shared>, client: TcpStream, to: SocketAddr) -> io::Result<Vec<JoinHandle<()>>> {
    if shared.lock().refuses {
        return Ok(Vec::new());
    }
    let server = TcpStream::connect_timeout(&to, CONNECT_TIMEOUT)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let Some(number) = shared.admit(&client, &server)? else {
        return Ok(Vec::new());
    };
    let there = (client.try_clone()?, server.try_clone()?);
    let pump = |name, (from, to)| {
        let shared = Arc::clone(shared);
        spawn(name, move || pump(&shared, number, from, to))
    };
    Ok(vec![pump("proxy-there", there), pump("proxy-back", (server, client))])
}

/// Passes on what comes from one end of a connection to the other until it ends.
fn pump(shared: &Shared, number: u64, mut from: TcpStream, mut to: TcpStream) {
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        let bytes = match from.read(&mut chunk) {
            Ok(count) => chunk.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return shared.passed(number, 0, false),
        };
        if bytes.is_empty() {
            // A client may be done with sending and wait for answers.
            let _ = to.shutdown(Shutdown::Write);
            return shared.ended(number);
        }
        if !pass(shared, number, bytes, &mut to) {
            return;
        }
    }
}

/// Writes bytes as far as they may pass; says whether the connection goes on.
fn pass(shared: &Shared, number: u64, mut bytes: &[u8], to: &mut TcpStream) -> bool {
    while !bytes.is_empty() {
        let Some((now, later)) = shared.permit(number, bytes.len()).and_then(|count| bytes.split_at_checked(count))
        else {
            return false;
        };
        let is_written = to.write_all(now).is_ok();
        shared.passed(number, now.len(), is_written);
        if !is_written {
            return false;
        }
        bytes = later;
    }
    true
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().name(name.to_owned()).spawn(work).unwrap_or_else(|error| panic!("no thread {name}: {error}"))
}
