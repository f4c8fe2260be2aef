//! A reader of event streams (WHATWG HTML §9.2.6): bytes in, whole events out.

/// The longest event accepted, in bytes.
const MOST: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) data: String,
}

/// What has come so far.
#[derive(Debug, Default)]
pub(crate) struct SseReader {
    line: Vec<u8>,
    data: Option<String>,
    begun: bool,
    after_return: bool,
    /// The id of the last event, to go on from.
    pub(crate) last_id: Option<String>,
    /// How long to wait before going on, in milliseconds.
    pub(crate) retry: Option<u64>,
}

/// An event longer than any answer we take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl SseReader {
    /// A reader of a fresh stream that goes on where this one ended.
    pub(crate) fn resumed(self) -> Self {
        Self { last_id: self.last_id, retry: self.retry, ..Self::default() }
    }

    /// Takes the next bytes; returns the events they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_line(&line));
                }
                _ => self.line.push(byte),
            }
        }
        if self.line.len() + self.data.as_ref().map_or(0, String::len) > MOST { Err(TooLong) } else { Ok(events) }
    }

    fn end_line(&mut self, line: &[u8]) -> Option<Event> {
        let text = String::from_utf8_lossy(line);
        let text = if self.begun { &*text } else { text.trim_start_matches('\u{feff}') };
        self.begun = true;
        if text.is_empty() {
            return self.data.take().map(|data| Event { data });
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().or(self.retry),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&[u8]]) -> (Vec<String>, SseReader) {
        let mut reader = SseReader::default();
        let mut all = Vec::new();
        for chunk in chunks {
            all.extend(reader.push(chunk).unwrap().into_iter().map(|event| event.data));
        }
        (all, reader)
    }

    #[test]
    fn events_are_whole_however_they_are_cut() {
        let stream = "\u{feff}: hello\nid: 7\nretry: 500\nevent: message\ndata: {\"a\":\ndata:  1}\n\ndata:x\r\n\r\ndata\r\rdata: späť\n\n";
        let expected = ["{\"a\":\n 1}", "x", "", "späť"];

        for size in 1..stream.len() {
            let chunks: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
            let (all, reader) = events(&chunks);
            assert_eq!(all, expected, "{size}");
            assert_eq!((reader.last_id.as_deref(), reader.retry), (Some("7"), Some(500)));
        }
    }

    #[test]
    fn an_event_without_data_or_without_end_is_none() {
        assert_eq!(events(&[b"id: 1\n\n", b"event: x\n\n", b"data: cut off\n"]).0, Vec::<String>::new());
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut reader = SseReader::default();
        let chunk = vec![b'x'; 1024 * 1024];

        let outcome = (0..20).try_for_each(|_| reader.push(&chunk).map(|_| ()));

        assert_eq!(outcome, Err(TooLong));
    }
}
