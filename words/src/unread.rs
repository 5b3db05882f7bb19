//! Why a file could not be read, in the words of a person.

use std::io::{self, ErrorKind};

/// The reason of an error in a message: `there is no such file`, without the number that the system has for it.
pub fn why_unread(reason: &io::Error) -> String {
    // Who made an error of its own has said more than its kind does.
    let is_of_the_system = reason.raw_os_error().is_some();
    match reason.kind() {
        ErrorKind::NotFound if is_of_the_system => "there is no such file".to_owned(),
        ErrorKind::IsADirectory if is_of_the_system => "this is a folder".to_owned(),
        ErrorKind::NotADirectory if is_of_the_system => "a part of its path is a file, not a folder".to_owned(),
        ErrorKind::PermissionDenied if is_of_the_system => "permission denied".to_owned(),
        _ => {
            let text = reason.to_string();
            text.split_once(" (os error ").map_or(text.as_str(), |(words, _)| words).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_words_and_no_number() {
        let missing = std::fs::File::open("/nowhere/at/all").expect_err("not there");
        assert_eq!(why_unread(&missing), "there is no such file");
        let other = io::Error::from_raw_os_error(5);
        assert!(other.to_string().contains("os error") && !why_unread(&other).contains("os error"), "{other}");
        let own = io::Error::new(ErrorKind::NotFound, "the bucket is closed");
        assert_eq!(why_unread(&own), "the bucket is closed");
    }
}
