//! Where a connection comes from, as a load balancer in front says it before anything else (PROXY protocol, versions 1 and 2,
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1.
const LINE_LEN_MAX: usize = 107;
/// The longest addresses and additions of version 2 that are read.
const ADDRESSES_LEN_MAX: usize = 4_096;

/// Reads what is said, and not a byte more: where the connection comes from, or `None` where it is the balancer's own.
///
/// # Errors
/// What is not said as it must be.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).await?;
    if begun == SIGNATURE {
        return second(stream).await;
    }
    if !begun.starts_with(b"PROXY ") {
        return Err(malformed());
    }
    let mut line = begun.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() == LINE_LEN_MAX {
            return Err(malformed());
        }
        line.push(stream.read_u8().await?);
    }
    first(&line)
}

/// A line of version 1.
fn first(line: &[u8]) -> io::Result<Option<SocketAddr>> {
    let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_suffix("\r\n")).unwrap_or_default();
    let parts: Vec<_> = line.split(' ').skip(1).collect();
    match *parts.as_slice() {
        ["UNKNOWN", ..] => Ok(None),
        [family @ ("TCP4" | "TCP6"), source, target, port, target_port] => {
            let read = || {
                let (source, target): (IpAddr, IpAddr) = (source.parse().ok()?, target.parse().ok()?);
                let (port, _): (u16, u16) = (port.parse().ok()?, target_port.parse().ok()?);
                let is_v4 = family == "TCP4";
                (source.is_ipv4() == is_v4 && target.is_ipv4() == is_v4).then(|| SocketAddr::new(source, port))
            };
            read().map(Some).ok_or_else(malformed)
        }
        _ => Err(malformed()),
    }
}

async fn second(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let (command, family) = (stream.read_u8().await?, stream.read_u8().await?);
    let len = usize::from(stream.read_u16().await?);
    if len > ADDRESSES_LEN_MAX {
        return Err(malformed());
    }
    let mut addresses = vec![0; len];
    stream.read_exact(&mut addresses).await?;
    match (command, family) {
        (0x21, 0x11) => {
            let [a, b, c, d, _, _, _, _, high, low, ..] = *addresses.as_slice() else { return Err(malformed()) };
            Ok(Some((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])).into()))
        }
        (0x21, 0x21) => {
            let source: Option<[u8; 16]> = addresses.get(..16).and_then(|source| source.try_into().ok());
            let port = addresses.get(32..34).and_then(|port| port.try_into().ok());
            let (source, port) = source.zip(port).filter(|_| len >= 36).ok_or_else(malformed)?;
            Ok(Some((Ipv6Addr::from(source), u16::from_be_bytes(port)).into()))
        }
        // Its own, as when it asks whether this is well; or of another kind than TCP.
        (0x20 | 0x21, _) => Ok(None),
        _ => Err(malformed()),
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not said where the connection comes from")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(bytes: &[u8]) -> (Result<Option<SocketAddr>, io::ErrorKind>, Vec<u8>) {
        let mut stream = bytes;
        let read = read(&mut stream).await.map_err(|error| error.kind());
        (read, stream.to_vec())
    }

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let len = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &len, addresses, b"GET"].concat()
    }

    #[tokio::test]
    async fn it_is_read_where_a_connection_comes_from_and_no_byte_more() {
        let address = |text: &str| Ok(Some(text.parse().unwrap()));
        for (bytes, expected) in [
            (b"PROXY TCP4 1.2.3.4 5.6.7.8 9 80\r\nGET".to_vec(), address("1.2.3.4:9")),
            (b"PROXY TCP6 2001:db8::1 ::1 65535 80\r\nGET".to_vec(), address("[2001:db8::1]:65535")),
            (b"PROXY UNKNOWN\r\nGET".to_vec(), Ok(None)),
            (b"PROXY UNKNOWN ffff::1 ::2 1 2\r\nGET".to_vec(), Ok(None)),
            (v2(0x21, 0x11, &[1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 0, 80]), address("1.2.3.4:256")),
            (v2(0x21, 0x11, &[1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 0, 80, 4, 0, 1, 0]), address("1.2.3.4:256")),
            (
                v2(0x21, 0x21, &[&[0x20; 16][..], &[0; 16], &[0, 9, 0, 80]].concat()),
                address("[2020:2020:2020:2020:2020:2020:2020:2020]:9"),
            ),
            (v2(0x20, 0, &[]), Ok(None)),
            (v2(0x21, 0x31, &[0; 216]), Ok(None)),
        ] {
            assert_eq!(said(&bytes).await, (expected, b"GET".to_vec()), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn what_says_nothing_is_refused() {
        for bytes in [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 ::1 9 80\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 80\r\n".to_vec(),
            b"PROXY TCP4 1.2.3.4 5.6.7.8 9 80 x\r\n".to_vec(),
            b"PROXY TCP4  1.2.3.4 5.6.7.8 9 80\r\n".to_vec(),
            [&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat(),
            v2(0x11, 0x11, &[0; 12]),
            v2(0x21, 0x11, &[0; 9]),
            v2(0x21, 0x21, &[0; 35]),
            v2(0x22, 0x11, &[0; 12]),
            v2(0x21, 0x11, &[0; 5_000]),
        ] {
            assert_eq!(said(&bytes).await.0, Err(io::ErrorKind::InvalidData), "{bytes:?}");
        }
        assert_eq!(said(b"PROXY TCP4 1.2").await.0, Err(io::ErrorKind::UnexpectedEof));
    }
}
