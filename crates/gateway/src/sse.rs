//! Server-sent events, read without changing a byte: a stream is cut into whole events, and only an event that must be
//! looked at is.

use bytes::{Bytes, BytesMut};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue};

/// The longest event that is held together, in bytes.
pub(crate) const MOST_EVENT: usize = 16 * 1024 * 1024;

/// Cuts a byte stream into events. All pieces joined are the stream again.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    held: BytesMut,
    /// Everything before this lies in lines that are known not to end an event.
    seen: usize,
    /// Between that and this, no line ends: a long one is not looked through again with every chunk of it.
    searched: usize,
}

/// An event grew past [`MOST_EVENT`].
#[derive(Debug, thiserror::Error)]
#[error("a server-sent event is longer than {MOST_EVENT} bytes")]
pub(crate) struct TooLong;

impl Splitter {
    /// Takes in what came.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        self.held.extend_from_slice(chunk);
        if self.held.len() > MOST_EVENT { Err(TooLong) } else { Ok(()) }
    }

    /// The next whole event with the blank line that ends it.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        loop {
            let line = self.held.get(self.seen..)?;
            let known = self.searched.saturating_sub(self.seen);
            let end = line.iter().skip(known).position(|b| matches!(b, b'\n' | b'\r'));
            self.searched = end.map_or(self.held.len(), |end| self.seen + known + end);
            let at = known + end?;
            let crlf = line.get(at..at + 2) == Some(b"\r\n");
            // The other half of a line's CRLF may be on its way; after a blank line it cannot do harm.
            if line.get(at) == Some(&b'\r') && at + 1 == line.len() && at > 0 {
                return None;
            }
            self.seen += at + if crlf { 2 } else { 1 };
            if at == 0 {
                self.searched = 0;
                return Some(self.held.split_to(std::mem::take(&mut self.seen)).freeze());
            }
        }
    }

    /// What is left when the stream has ended: an event that was never finished.
    pub(crate) fn rest(&mut self) -> Bytes {
        (self.seen, self.searched) = (0, 0);
        self.held.split().freeze()
    }
}

/// The `data` of an event, its lines joined; nothing where it has none.
pub(crate) fn data(event: &[u8]) -> Option<Vec<u8>> {
    let mut data: Option<Vec<u8>> = None;
    for line in lines(event) {
        let Some(value) = field(line, b"data") else { continue };
        match &mut data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => data = Some(value.to_vec()),
        }
    }
    data
}

/// The same event with other data; its other fields stay as they are.
pub(crate) fn with_data(event: &[u8], data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(event.len());
    for line in lines(event).filter(|line| !line.is_empty() && field(line, b"data").is_none()) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    for line in data.split(|b| *b == b'\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
    out.into()
}

/// An event that carries one message.
pub(crate) fn message(line: &str) -> Bytes {
    with_data(b"event: message\n", line.as_bytes())
}

/// A comment, to keep a quiet stream open.
pub(crate) fn comment() -> Bytes {
    Bytes::from_static(b": \n\n")
}

/// Says that nobody on the way may keep or gather what comes.
pub(crate) fn announce(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    event.split(|b| matches!(b, b'\n' | b'\r'))
}

fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    match rest.strip_prefix(b":") {
        Some(value) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        None => rest.is_empty().then_some(rest),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Splitter, data, message, with_data};

    fn cut(chunks: &[&str]) -> Vec<String> {
        let mut splitter = Splitter::default();
        let mut events = Vec::new();
        for chunk in chunks {
            splitter.push(chunk.as_bytes()).unwrap();
            while let Some(event) = splitter.next() {
                events.push(String::from_utf8(event.to_vec()).unwrap());
            }
        }
        events.push(String::from_utf8(splitter.rest().to_vec()).unwrap());
        events
    }

    #[test]
    fn events_are_cut_at_blank_lines_of_every_spelling() {
        for end in ["\n", "\r\n", "\r"] {
            let (one, two) = (format!("id: 1{end}data: a{end}{end}"), format!("data: b{end}data: c{end}{end}"));

            assert_eq!(cut(&[&one, &two, "data: d"]), [one.as_str(), &two, "data: d"], "{end:?}");
        }
    }

    #[test]
    fn no_byte_is_lost_wherever_the_chunks_end() {
        let whole = "retry: 5\r\nid: x\r\ndata:\r\n\r\n: ping\n\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata: unfinished";
        for size in 1..whole.len() {
            let chunks: Vec<&str> =
                whole.as_bytes().chunks(size).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();

            assert_eq!(cut(&chunks).concat(), whole, "chunks of {size}");
        }
    }

    #[test]
    fn a_crlf_in_two_halves_ends_no_event_early() {
        assert_eq!(cut(&["data: a\r", "\ndata: b\r\n\r\n"]), ["data: a\r\ndata: b\r\n\r\n", ""]);
    }

    #[test]
    fn a_long_line_is_looked_through_once_in_however_many_chunks_it_comes() {
        let (begun, mut splitter) = (Instant::now(), Splitter::default());
        for _ in 0..8 * 1024 {
            splitter.push(&[b'x'; 1024]).unwrap();
            assert!(splitter.next().is_none());
        }
        splitter.push(b"\n\n").unwrap();

        assert_eq!(splitter.next().unwrap().len(), 8 * 1024 * 1024 + 2);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }

    #[test]
    fn data_lines_are_joined() {
        assert_eq!(data(b"event: message\ndata: a\ndata:b\n\n").unwrap(), b"a\nb");
        assert_eq!(data(b": comment\nid: 7\n\n"), None);
        assert_eq!(data(b"data\n\n").unwrap(), b"");
    }

    #[test]
    fn other_data_leaves_the_other_fields() {
        assert_eq!(with_data(b"id: 7\r\ndata: old\r\nretry: 5\r\n\r\n", b"new"), "id: 7\nretry: 5\ndata: new\n\n");
        assert_eq!(message("{}"), "event: message\ndata: {}\n\n");
    }
}
