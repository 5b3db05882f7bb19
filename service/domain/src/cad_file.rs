//! CAD files: what they are called and what they are; their states, and what may follow them (orders.md §1, §2).

use std::fmt;
use std::str::FromStr;

use crate::words::words;

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 255;
/// What a file is called whose sender gave it no name.
const UNNAMED: &str = "file";

/// What a file was called by whoever sent it: the last part of the path, without control characters, 1 to 255
/// characters. It never becomes a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OriginalName(String);

impl OriginalName {
    /// The name in what a client sent as one.
    #[must_use]
    pub fn of(sent: &str) -> Self {
        let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
        let plain: String = last.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
        let name = plain.trim();
        Self(if name.is_empty() { UNNAMED.to_owned() } else { name.to_owned() })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text that is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {NAME_CHARS_MAX} characters without '/', '\\\\' and control characters")]
pub struct InvalidName;

impl FromStr for OriginalName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let name = Self::of(text);
        if name.0 == text { Ok(name) } else { Err(InvalidName) }
    }
}

impl fmt::Display for OriginalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

words! {
    /// What a CAD file is, by its content.
    pub enum SourceFormat {
        /// ISO 10303-21, which a converter reads
        Step = "step",
        /// glTF in one file, which is read as it is
        Glb = "glb",
    }
}

impl SourceFormat {
    /// The format of a file that begins with these bytes; `None` for another one.
    #[must_use]
    pub fn of(beginning: &[u8]) -> Option<Self> {
        if beginning.starts_with(b"glTF") {
            return Some(Self::Glb);
        }
        let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
        text.starts_with(b"ISO-10303-21;").then_some(Self::Step)
    }
}

words! {
    /// State of a CAD file.
    pub enum CadStatus {
        /// It is stored, and its parts are not known yet
        Uploaded = "uploaded",
        /// It is being converted and read
        Processing = "processing",
        /// Its parts are known, and it can be rendered
        Ready = "ready",
        /// It could not be converted or read
        Failed = "failed",
    }
}

words! {
    /// What happens to a CAD file.
    pub enum CadEvent {
        /// A task of its conversion is begun
        Begin = "begin",
        /// It was read
        Read = "read",
        /// The infrastructure failed, and there are attempts left
        GiveBack = "give back",
        /// Its conversion has failed for good
        Fail = "fail",
        /// Nothing has happened to it for too long
        Stall = "stall",
        /// The same, for the last time
        StallLast = "stall for the last time",
        /// It is to be read again
        Reextract = "reextract",
        /// It gets a new thumbnail
        RegenerateThumbnail = "regenerate thumbnail",
        /// It is deleted
        Delete = "delete",
    }
}

/// An event that is impossible in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{event}' is not possible for a CAD file that is {from}")]
pub struct IllegalCadState {
    /// The state it is in.
    pub from: CadStatus,
    /// The event.
    pub event: CadEvent,
}

impl CadStatus {
    /// The state after `event`. A file that is ready stays so while it is read again, and when that fails. Whether a
    /// live job or a product forbids the event is asked elsewhere.
    ///
    /// # Errors
    ///
    /// [`IllegalCadState`] when the event is impossible in this state.
    pub const fn next(self, event: CadEvent) -> Result<Self, IllegalCadState> {
        use CadEvent as E;
        Ok(match (self, event) {
            (Self::Uploaded, E::Begin) => Self::Processing,
            (Self::Processing, E::Read) => Self::Ready,
            (Self::Processing, E::GiveBack | E::Stall) => Self::Uploaded,
            (Self::Uploaded | Self::Processing, E::Fail) | (Self::Processing, E::StallLast) => Self::Failed,
            (Self::Ready, E::Begin | E::Read | E::GiveBack | E::Fail | E::Reextract) => Self::Ready,
            (Self::Uploaded | Self::Failed, E::Reextract) => Self::Uploaded,
            (Self::Uploaded | Self::Ready | Self::Failed, E::RegenerateThumbnail | E::Delete) => self,
            _ => return Err(IllegalCadState { from: self, event }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CadEvent as E, CadStatus as S, *};

    /// The table of orders.md §2, line by line; `None` where it has 409 or a dash. "Stuck" is two events here: one of
    /// the first two times, and the third.
    #[test]
    fn o65_cad_files_follow_the_table() {
        let events = [
            E::Begin,
            E::Read,
            E::GiveBack,
            E::Fail,
            E::Stall,
            E::StallLast,
            E::Reextract,
            E::RegenerateThumbnail,
            E::Delete,
        ];
        assert_eq!(events, E::ALL, "the table is complete");
        let row = |from: S| -> [Option<S>; 9] {
            let [uploaded, processing] = [S::Uploaded, S::Processing].map(Some);
            let [ready, failed] = [S::Ready, S::Failed].map(Some);
            match from {
                S::Uploaded => [processing, None, None, failed, None, None, uploaded, uploaded, uploaded],
                S::Processing => [None, ready, uploaded, failed, uploaded, failed, None, None, None],
                S::Ready => [ready, ready, ready, ready, None, None, ready, ready, ready],
                S::Failed => [None, None, None, None, None, None, uploaded, failed, failed],
            }
        };
        for from in S::ALL {
            for (event, expected) in events.into_iter().zip(row(*from)) {
                let illegal = IllegalCadState { from: *from, event };
                assert_eq!(from.next(event), expected.ok_or(illegal), "{from} {event}");
            }
        }
    }

    #[test]
    fn o44_names_are_harmless() {
        for (sent, name) in [
            ("bearing.glb", "bearing.glb"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\y.step", "y.step"),
            ("a\nb\r.glb", "ab.glb"),
            ("Zeichnung ü 1.step", "Zeichnung ü 1.step"),
            ("x/", "file"),
            ("", "file"),
            ("\0", "file"),
        ] {
            assert_eq!(OriginalName::of(sent).as_str(), name, "{sent:?}");
        }
        assert_eq!(OriginalName::of(&"ü".repeat(300)).as_str().chars().count(), 255);
    }

    #[test]
    fn o43_a_format_is_known_by_its_content() {
        for (beginning, format) in [
            (&b"glTF\x02\0\0\0"[..], Some(SourceFormat::Glb)),
            (b"ISO-10303-21;\nHEADER;", Some(SourceFormat::Step)),
            (b"\xef\xbb\xbf\r\nISO-10303-21;", Some(SourceFormat::Step)),
            (b"\x89PNG\r\n", None),
            (b"{\"asset\":{}}", None),
            (b"", None),
        ] {
            assert_eq!(SourceFormat::of(beginning), format, "{beginning:?}");
        }
    }

    #[test]
    fn o65_a_file_that_is_ready_stays_usable() {
        for event in E::ALL {
            assert!(S::Ready.next(*event).is_ok_and(|next| next == S::Ready) || S::Ready.next(*event).is_err());
        }
    }
}
