//! How deep what is asked nests: no deeper than JSON is read, so that nothing is written that no service reads, and nothing a caller nests ends its process.

use std::io::{self, Write};

use arrakis_core::{Error, Result};
use serde::Serialize;

/// The most levels of arrays and objects, one less than the services' reader of JSON follows.
pub(super) const QUESTION_DEPTH_MAX: usize = 127;

/// What is asked, as JSON.
///
/// # Errors
/// `client.question.too_deep`; `client.question` for what is no JSON.
pub(super) fn written(asked: &impl Serialize) -> Result<Vec<u8>> {
    let mut shallow = Shallow::default();
    match serde_json::to_writer(&mut shallow, asked) {
        Ok(()) => Ok(shallow.text),
        Err(_) if shallow.depth > QUESTION_DEPTH_MAX => {
            let deep = Error::invalid("client.question.too_deep", "what is asked nests too deep");
            Err(deep.with("depth_max", QUESTION_DEPTH_MAX))
        }
        Err(e) => Err(Error::internal("client.question", "what is asked cannot be written").caused_by(e)),
    }
}

/// A text that takes no more when it nests too deep: its writer writes a level before it descends into it.
#[derive(Default)]
struct Shallow {
    text: Vec<u8>,
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl Write for Shallow {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        for byte in part {
            match (self.is_in_string, byte) {
                (true, _) if self.is_escaped => self.is_escaped = false,
                (true, b'\\') => self.is_escaped = true,
                (_, b'"') => self.is_in_string = !self.is_in_string,
                (false, b'{' | b'[') => self.depth += 1,
                (false, b'}' | b']') => self.depth -= 1,
                _ => {}
            }
            if self.depth > QUESTION_DEPTH_MAX {
                return Err(io::ErrorKind::InvalidInput.into());
            }
        }
        self.text.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrakis_core::kernel::Filter;
    use serde_json::{Value as Json, json};

    use super::*;

    #[test]
    fn what_is_asked_nests_as_deep_as_it_is_read() {
        let nested = |depth: usize| (0..depth).fold(json!("]}\"\\[{"), |inner, _| json!([inner]));
        let most = written(&nested(QUESTION_DEPTH_MAX)).unwrap();
        assert_eq!(serde_json::from_slice::<Json>(&most).unwrap(), nested(QUESTION_DEPTH_MAX));
        for depth in [QUESTION_DEPTH_MAX + 1, 1_000] {
            let error = written(&nested(depth)).unwrap_err();
            assert_eq!((error.code(), error.param("depth_max")), ("client.question.too_deep", Some("127")));
        }
        let filter = (0..1_000).fold(Filter::eq("id", 1), |inner, _| !inner);
        assert_eq!(written(&filter).unwrap_err().code(), "client.question.too_deep");
    }
}
