//! As little of each server's protocol as it takes to write something and read it again.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long an answer may take: short, for those who wait for none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// One connection to a server.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// A session of PostgreSQL.
    pub(crate) fn postgres(port: u16) -> Result<Self> {
        let mut client = Self::connect(port)?;
        client.send(b"\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0")?;
        client.until_ready()?;
        Ok(client)
    }

    /// A connection to NATS that hears what is sent to the subject `answers`.
    pub(crate) fn nats(port: u16) -> Result<Self> {
        let mut client = Self::connect(port)?;
        client.line()?;
        client.send(b"CONNECT {\"verbose\":false}\r\nSUB answers 1\r\n")?;
        Ok(client)
    }

    /// What Redis answers to a command: one line, or two for a string.
    pub(crate) fn redis(&mut self, command: &str) -> Result<String> {
        self.send(format!("{command}\r\n").as_bytes())?;
        let first = self.line()?;
        if first.starts_with('$') && first != "$-1" { self.line() } else { Ok(first) }
    }

    /// What PostgreSQL answers to a statement: the first value of the last row, or nothing.
    pub(crate) fn sql(&mut self, statement: &str) -> Result<String> {
        let length = u32::try_from(statement.len() + 5).map_err(Error::other)?;
        self.send(&[b"Q".as_slice(), &length.to_be_bytes(), statement.as_bytes(), b"\0"].concat())?;
        self.until_ready()
    }

    /// What JetStream answers to a request.
    pub(crate) fn jetstream(&mut self, request: &str, body: &str) -> Result<String> {
        let length = body.len();
        self.send(format!("PUB $JS.API.{request} answers {length}\r\n{body}\r\n").as_bytes())?;
        while !self.line()?.starts_with("MSG ") {}
        self.line()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    fn until_ready(&mut self) -> Result<String> {
        let mut value = String::new();
        loop {
            let mut kind = [0; 1];
            let mut length = [0; 4];
            self.stream.read_exact(&mut kind)?;
            self.stream.read_exact(&mut length)?;
            let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
            self.stream.read_exact(&mut body)?;
            match kind {
                [b'Z'] => return Ok(value),
                [b'E'] => return Err(Error::other(String::from_utf8_lossy(&body).into_owned())),
                // A row: how many values, then each with its length before it.
                [b'D'] => value = String::from_utf8_lossy(body.get(6..).unwrap_or_default()).into_owned(),
                _ => {}
            }
        }
    }
}
