//! The keys that access tokens are signed with: a file that only the service's user may read.
//!
//! Services on several machines share it. It is read again when it may have changed, so a rotation takes effect in all
//! of them within seconds.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use packshot_contract::scalar::Time;
use packshot_domain::time::Timestamp;

/// Bytes of a key: as many as SHA-256 gives (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;
/// How old what was read may be.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SigningKey {
    /// Its name, in the header of tokens.
    pub(crate) kid: String,
    /// The key itself.
    pub(crate) secret: [u8; SECRET_BYTES],
    /// Until when tokens that it signed are good; `None`: it signs new ones.
    verifies_until: Option<Timestamp>,
}

/// The keys of an installation: one that signs, and at most one whose tokens are still good.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SigningKeys {
    current: SigningKey,
    previous: Option<SigningKey>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The file cannot be read or written.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not one of signing keys.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The file with the keys, and what it held when it was read last.
#[derive(Debug)]
pub struct SigningKeyFile {
    path: PathBuf,
    read: Mutex<(Instant, Arc<SigningKeys>)>,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    kid: String,
    secret: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verifies_until: Option<Time>,
}

impl SigningKeys {
    /// The key that signs.
    pub(crate) fn current(&self) -> &SigningKey {
        &self.current
    }

    /// The keys whose tokens are valid at `now`.
    pub(crate) fn good_at(&self, now: Timestamp) -> impl Iterator<Item = &SigningKey> {
        let previous = self.previous.iter().filter(move |key| key.verifies_until.is_some_and(|until| now < until));
        std::iter::once(&self.current).chain(previous)
    }

    fn new() -> io::Result<Self> {
        Ok(Self { current: SigningKey::new()?, previous: None })
    }

    /// Makes a new key that signs from now on. Tokens of the old key stay valid until `previous_until`, if that is
    /// given.
    fn rotated(self, previous_until: Option<Timestamp>) -> io::Result<Self> {
        let Self { current: SigningKey { kid, secret, .. }, .. } = self;
        let previous = previous_until.map(|until| SigningKey { kid, secret, verifies_until: Some(until) });
        Ok(Self { current: SigningKey::new()?, previous })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let Stored { keys } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let keys: Vec<SigningKey> = keys.into_iter().map(SigningKey::of_stored).collect::<Result<_, _>>()?;
        let (mut signing, mut ending): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| key.verifies_until.is_none());
        match (signing.pop(), signing.is_empty(), ending.pop(), ending.is_empty()) {
            (Some(current), true, previous, true) => Ok(Self { current, previous }),
            _ => Err("expected one key that signs, and at most one with `verifies_until`".to_owned()),
        }
    }

    fn to_text(&self) -> String {
        let keys = std::iter::once(&self.current).chain(&self.previous);
        let stored = Stored { keys: keys.map(SigningKey::to_stored).collect() };
        serde_json::to_string_pretty(&stored).unwrap_or_default() + "\n"
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKeys(…)")
    }
}

impl SigningKey {
    fn new() -> io::Result<Self> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        Ok(Self { kid: Uuid::now_v7().simple().to_string(), secret, verifies_until: None })
    }

    fn of_stored(stored: StoredKey) -> Result<Self, String> {
        let StoredKey { kid, secret, verifies_until } = stored;
        let is_plain =
            (1..=64).contains(&kid.len()) && kid.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let secret = URL_SAFE_NO_PAD.decode(&secret).ok().and_then(|bytes| bytes.try_into().ok());
        match secret {
            Some(secret) if is_plain => Ok(Self { kid, secret, verifies_until: verifies_until.map(|time| time.0) }),
            _ => Err(format!(
                "expected for each key a `kid` of 1 to 64 letters and digits, and a `secret` of {SECRET_BYTES} bytes in base64url"
            )),
        }
    }

    fn to_stored(&self) -> StoredKey {
        let secret = URL_SAFE_NO_PAD.encode(self.secret);
        StoredKey { kid: self.kid.clone(), secret, verifies_until: self.verifies_until.map(Time) }
    }
}

impl SigningKeyFile {
    /// Opens the file with the keys, or creates it with a new key.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn open(path: PathBuf) -> Result<Self, SigningKeyError> {
        let keys = match read(&path) {
            Err(SigningKeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => make(&path)?,
            found => found?,
        };
        Ok(Self { path, read: Mutex::new((Instant::now(), Arc::new(keys))) })
    }

    /// The keys, at most a second old. If the file can no longer be read, the last keys that were read stay in use.
    pub(crate) fn keys(&self) -> Arc<SigningKeys> {
        let mut read_last = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read_last.0.elapsed() >= READ_AGAIN_AFTER {
            match read(&self.path) {
                Ok(keys) => read_last.1 = Arc::new(keys),
                Err(error) => tracing::error!("the signing keys cannot be read again: {error}"),
            }
            read_last.0 = Instant::now();
        }
        Arc::clone(&read_last.1)
    }

    /// Makes a new key that signs from now on. Tokens of the old key stay valid until `previous_until`; without it they
    /// are refused at once.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn rotate(&self, previous_until: Option<Timestamp>) -> Result<(), SigningKeyError> {
        let rotated = read(&self.path)?.rotated(previous_until).and_then(|keys| {
            write(&self.path, &keys)?;
            Ok(keys)
        });
        let keys = rotated.map_err(|source| SigningKeyError::Io { path: self.path.clone(), source })?;
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), Arc::new(keys));
        Ok(())
    }
}

fn read(path: &Path) -> Result<SigningKeys, SigningKeyError> {
    let text = fs::read_to_string(path).map_err(|source| SigningKeyError::Io { path: path.to_owned(), source })?;
    SigningKeys::parse(&text).map_err(|reason| SigningKeyError::Unreadable { path: path.to_owned(), reason })
}

/// Makes the file with a new key. Of services that start together, one makes it, and the others read it.
fn make(path: &Path) -> Result<SigningKeys, SigningKeyError> {
    let made = SigningKeys::new().and_then(|keys| {
        if let Some(folder) = path.parent() {
            make_private_folder(folder)?;
        }
        let file = staged(path, &keys)?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    });
    made.map_err(|source| SigningKeyError::Io { path: path.to_owned(), source })?;
    read(path)
}

/// Replaces the file: whoever reads it finds the old keys or the new ones.
fn write(path: &Path, keys: &SigningKeys) -> io::Result<()> {
    staged(path, keys)?.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// A new file beside `path`, which only its user may read.
fn staged(path: &Path, keys: &SigningKeys) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(keys.to_text().as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_unix_ms(s * 1000)
    }

    #[test]
    fn keys_are_made_once_and_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets/jwt.json");
        let file = SigningKeyFile::open(path.clone()).expect("made");
        assert_eq!(SigningKeyFile::open(path.clone()).expect("there").keys(), file.keys());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
        }
        assert_eq!(format!("{:?}", file.keys()), "SigningKeys(…)");
    }

    #[test]
    fn t15_a_rotated_key_is_good_for_one_token_life() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = SigningKeyFile::open(folder.path().join("jwt.json")).expect("made");
        let old = file.keys().current().kid.clone();
        let good = |now| -> Vec<String> { file.keys().good_at(at(now)).map(|key| key.kid.clone()).collect() };
        file.rotate(Some(at(900))).expect("written");
        let new = file.keys().current().kid.clone();
        assert_ne!(old, new);
        assert_eq!(good(899), [new.clone(), old]);
        assert_eq!(good(900), [new]);
        file.rotate(None).expect("written");
        assert_eq!(good(0), [file.keys().current().kid.clone()], "the old ones are gone");
        assert_eq!(read(&folder.path().join("jwt.json")).expect("readable"), *file.keys());
    }

    #[test]
    fn files_of_something_else_are_refused() {
        let secret = "A".repeat(43);
        let key = format!(r#"{{"kid":"a","secret":"{secret}"}}"#);
        let ending = format!(r#"{{"kid":"b","secret":"{secret}","verifies_until":"2026-11-20T10:00:00.000Z"}}"#);
        assert!(SigningKeys::parse(&format!(r#"{{"keys":[{key}]}}"#)).is_ok());
        assert!(SigningKeys::parse(&format!(r#"{{"keys":[{ending},{key}]}}"#)).is_ok());
        for keys in
            ["", &format!("{key},{key}"), &ending, &format!("{key},{ending},{ending}"), r#"{"kid":"a","secret":"AA"}"#]
        {
            assert!(SigningKeys::parse(&format!(r#"{{"keys":[{keys}]}}"#)).is_err(), "{keys}");
        }
        for text in ["", "[]", "{}", r#"{"keys":[],"more":1}"#] {
            assert!(SigningKeys::parse(text).is_err(), "{text}");
        }
    }
}
