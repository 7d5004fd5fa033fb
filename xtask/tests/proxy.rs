//! The proxy passes what it is given, cuts where it is told to, and serves again.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use xtask::proxy::Proxy;

/// Long enough that a test which waits for something that never comes fails rather than hangs.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that sends back what it reads, until a client says it is done.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        for client in listener.incoming() {
            let (mut client, mut writer) = client.and_then(|client| Ok((client.try_clone()?, client))).unwrap();
            thread(move || {
                let _ = std::io::copy(&mut client, &mut writer);
                let _ = writer.shutdown(Shutdown::Both);
            });
        }
    };
    thread(serve);
    address
}

/// A thread that ends with the test's process.
fn thread(work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().spawn(work).unwrap()
}

fn connect(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    client
}

/// Whether the other end sends this back.
fn echoes(client: &mut TcpStream, text: &[u8]) -> bool {
    let mut back = vec![0; text.len()];
    client.write_all(text).and_then(|()| client.read_exact(&mut back)).is_ok() && back == text
}

/// What comes until the connection ends, in good order or not.
fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut chunk = [0; 1_024];
    loop {
        match client.read(&mut chunk) {
            Ok(count) if count > 0 => all.extend_from_slice(&chunk[..count]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                panic!("the connection stays open")
            }
            _ => return all,
        }
    }
}

#[test]
fn what_is_sent_arrives_and_is_counted() {
    let proxy = Proxy::start(echo());
    let mut client = connect(&proxy);
    assert!(echoes(&mut client, b"hello"));
    assert_eq!(proxy.connections(), 1);
    let large = vec![7; 1_000_000];
    let mut writer = client.try_clone().unwrap();
    let sent = large.clone();
    let sender = thread(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    assert_eq!(rest(&mut client), large);
    sender.join().unwrap();
    assert_eq!(proxy.bytes(), 2 * (5 + 1_000_000));
}

#[test]
fn a_cut_closes_every_connection_and_new_ones_are_served() {
    let proxy = Proxy::start(echo());
    let mut clients: Vec<TcpStream> = (0..3).map(|_| connect(&proxy)).collect();
    assert!(clients.iter_mut().all(|client| echoes(client, b"before")));
    proxy.cut();
    assert_eq!(proxy.connections(), 0);
    assert!(clients.iter_mut().all(|client| rest(client).is_empty()));
    assert!(echoes(&mut connect(&proxy), b"after"));
}

#[test]
fn a_cut_after_so_many_bytes_is_exact() {
    let proxy = Proxy::start(echo());
    for bytes in [0, 1, 9, 10, 11, 19, 20, 40_000] {
        let mut client = connect(&proxy);
        assert!(echoes(&mut client, b"0123456789"));
        let before = proxy.bytes();
        proxy.cut_after(bytes);
        // Ten bytes there and ten back, if so many may pass.
        let mut back = Vec::new();
        while client.write_all(b"abcdefghij").is_ok() {
            let mut chunk = [0; 10];
            let Ok(count) = client.read(&mut chunk) else { break };
            back.extend_from_slice(&chunk[..count]);
            if count == 0 {
                break;
            }
        }
        assert_eq!(proxy.bytes() - before, bytes);
        if bytes <= 20 {
            assert_eq!(back.len() as u64, bytes.saturating_sub(10));
        }
        assert_eq!(proxy.connections(), 0);
        assert!(echoes(&mut connect(&proxy), b"again"), "it serves again");
    }
}

#[test]
fn a_refusing_proxy_closes_what_is_there_and_what_comes() {
    let proxy = Proxy::start(echo());
    let mut old = connect(&proxy);
    assert!(echoes(&mut old, b"before"));
    proxy.refuse(true);
    assert!(rest(&mut old).is_empty());
    assert!(rest(&mut connect(&proxy)).is_empty());
    proxy.refuse(false);
    assert!(echoes(&mut connect(&proxy), b"after"));
}

#[test]
fn a_server_that_is_down_closes_the_client_and_is_tried_again() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap());
    drop(listener);
    assert!(rest(&mut connect(&proxy)).is_empty());
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_dropped_proxy_closes_its_port() {
    let proxy = Proxy::start(echo());
    let mut client = connect(&proxy);
    assert!(echoes(&mut client, b"hello"));
    let address = proxy.address();
    drop(proxy);
    assert!(rest(&mut client).is_empty());
    assert!(TcpStream::connect(address).is_err());
}
