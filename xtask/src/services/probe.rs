//! Whether a server answers: the first bytes of its protocol, spoken over one connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::Kind;

/// How long a server that accepted a connection may take to answer before it counts as not answering.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The most that is read of an answer: more than NATS says of itself.
const ANSWER_BYTES_MAX: usize = 8_192;

/// Whether the server on a loopback port serves its protocol: it takes sessions, and has JetStream where it is NATS.
pub(super) fn answers(kind: Kind, port: u16) -> bool {
    match kind {
        // The server asks for a password, or says that none is needed; one that is starting up or full sends an error, `E`.
        Kind::Postgres => {
            ask(port, &postgres_startup(), |said| !said.is_empty()).is_some_and(|said| said.starts_with(b"R"))
        }
        Kind::Redis => ask(port, b"PING\r\n", ends_line).is_some_and(|said| said.starts_with(b"+PONG")),
        Kind::Nats => ask(port, b"", ends_line).is_some_and(|said| {
            let said = String::from_utf8_lossy(&said).into_owned();
            said.starts_with("INFO ") && said.contains("\"jetstream\":true")
        }),
    }
}

/// Sends `question` and returns what came back once `is_whole` says that it is enough.
fn ask(port: u16, question: &[u8], is_whole: fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT).ok()?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT)).ok()?;
    stream.write_all(question).ok()?;
    let mut said = Vec::new();
    let mut chunk = [0; 1_024];
    while said.len() < ANSWER_BYTES_MAX && !is_whole(&said) {
        match stream.read(&mut chunk) {
            Ok(0) => return None,
            Ok(count) => said.extend_from_slice(chunk.get(..count)?),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(said)
}

fn ends_line(said: &[u8]) -> bool {
    said.contains(&b'\n')
}

/// The message that opens a session of protocol 3.0: its length, the version, names and values, each ended by a zero.
fn postgres_startup() -> Vec<u8> {
    let mut body = vec![0, 3, 0, 0];
    body.extend_from_slice(b"user\0postgres\0database\0postgres\0\0");
    let length = u32::try_from(body.len() + 4).unwrap_or_default();
    [length.to_be_bytes().as_slice(), &body].concat()
}
