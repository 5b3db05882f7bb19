//! Server-sent events as the HTML standard has them (section 9.2.6, "Interpreting an event stream"): bytes in, events
//! out.

use std::collections::VecDeque;

use serde_json::Value;

/// The longest line that is kept; a snapshot of a job is some kilobytes.
const LINE_BYTES_MAX: usize = 4 << 20;

/// One event of a job's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number in the stream.
    pub id: Option<u64>,
    /// Its name, such as `job.progress`.
    pub name: String,
    /// What it says.
    pub data: Value,
}

impl Event {
    /// Whether the job has ended with it.
    pub fn is_terminal(&self) -> bool {
        match self.name.as_str() {
            "job.completed" | "job.failed" | "job.cancelled" => true,
            "snapshot" => matches!(self.data["state"].as_str(), Some("completed" | "failed" | "cancelled")),
            _ => false,
        }
    }
}

/// Why a stream cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// A line without end.
    #[error("a line of the event stream is longer than {LINE_BYTES_MAX} bytes")]
    LineTooLong,
    /// An event whose data is not JSON.
    #[error("an event of the stream is not JSON: {0}")]
    NotJson(String),
}

/// Decodes a stream piece by piece.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Bytes of a line that has not ended yet.
    line: Vec<u8>,
    id: Option<u64>,
    name: String,
    data: String,
    events: VecDeque<Event>,
}

impl Decoder {
    /// Takes the next bytes, in pieces of any size.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + piece.len() > LINE_BYTES_MAX {
                return Err(StreamError::LineTooLong);
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.take_line(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']))?;
            }
        }
        Ok(())
    }

    /// The next whole event.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn take_line(&mut self, line: &str) -> Result<(), StreamError> {
        if line.is_empty() {
            return self.end_event();
        }
        let (field, content) = line.split_once(':').unwrap_or((line, ""));
        let content = content.strip_prefix(' ').unwrap_or(content);
        match field {
            "id" => self.id = content.parse().ok(),
            "event" => content.clone_into(&mut self.name),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(content);
                if self.data.len() > LINE_BYTES_MAX {
                    return Err(StreamError::LineTooLong);
                }
            }
            // Comments (an empty name), `retry`, and what a later version brings.
            _ => {}
        }
        Ok(())
    }

    fn end_event(&mut self) -> Result<(), StreamError> {
        let (id, name, data) = (self.id.take(), std::mem::take(&mut self.name), std::mem::take(&mut self.data));
        if data.is_empty() {
            return Ok(());
        }
        let data = serde_json::from_str(&data).map_err(|reason| StreamError::NotJson(reason.to_string()))?;
        self.events.push_back(Event { id, name, data });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str = "retry: 2000\n\n: keep-alive\n\nid: 7\nevent: job.progress\ndata: {\"progress_pct\":40}\n\n\
                          id: 8\r\nevent: job.log\r\ndata: {\"message\":\r\ndata: \"Größe\"}\r\n\r\nevent: lost\ndata: 1\n";

    fn decode(pieces: &[&[u8]]) -> Vec<Event> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            decoder.feed(piece).expect("a sound stream");
            events.extend(std::iter::from_fn(|| decoder.next()));
        }
        events
    }

    #[test]
    fn events_comments_and_an_unfinished_end() {
        let events = decode(&[STREAM.as_bytes()]);
        let [first, second] = &events[..] else { panic!("{events:?}") };
        assert_eq!((first.id, first.name.as_str(), &first.data["progress_pct"]), (Some(7), "job.progress", &40.into()));
        assert_eq!((second.id, &second.data["message"]), (Some(8), &"Größe".into()));
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        let fed = |bytes: &[u8]| Decoder::default().feed(bytes).expect_err("refused");
        assert!(matches!(fed(b"data: {\n\n"), StreamError::NotJson(_)));
        assert_eq!(fed(&vec![b'x'; LINE_BYTES_MAX + 1]), StreamError::LineTooLong);
        assert_eq!(fed(&b"data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(120_000)), StreamError::LineTooLong);
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_events(cuts in proptest::collection::vec(0..STREAM.len(), 0..20)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|ends| &STREAM.as_bytes()[ends[0]..ends[1]]).collect();
            prop_assert_eq!(decode(&pieces), decode(&[STREAM.as_bytes()]));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Decoder::default().feed(&bytes);
        }
    }
}
