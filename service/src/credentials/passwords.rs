//! Passwords: hashed with Argon2id (RFC 9106), a few at a time, and always one for each question.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use packshot_domain::secret::{NoRandomness, random_text};
use packshot_domain::user::Password;

/// 19 MiB, in KiB; two passes, one lane: what OWASP's Password Storage Cheat Sheet asks for at least.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The hash of no password: what is compared where there is no user, so that the answer takes as long.
const OF_NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm90aGluZyBoYXNoZXMgdGhpcw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Characters of a password that the service makes: 95 bits.
const TEMPORARY_LEN: usize = 16;

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The hash cannot be computed, or the one to compare with cannot be read.
    #[error("the password cannot be hashed: {0}")]
    Hash(#[from] argon2::password_hash::Error),
    /// The process ends.
    #[error("the password was not hashed: the service is stopping")]
    Stopping,
}

/// A temporary password, which its user has to change at the first sign-in.
///
/// # Errors
/// When the operating system gives no random bytes.
pub(crate) fn temporary() -> Result<String, NoRandomness> {
    random_text(TEMPORARY_LEN)
}

/// Hashes passwords. Half of the processors do it at most, so that guessing passwords does not slow anybody else down.
#[derive(Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// Hashes that were computed, for the tests that count them.
    #[cfg(test)]
    pub(crate) n_hashes: std::sync::atomic::AtomicUsize,
}

impl Default for Passwords {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new((processors / 2).max(1))),
            #[cfg(test)]
            n_hashes: std::sync::atomic::AtomicUsize::new(0),
        }
    }
}

impl Passwords {
    /// The hash to store, in the PHC string format.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        let hashed = self.in_turn(move || {
            let hash = hasher()?.hash_password(password.reveal().as_bytes())?;
            Ok::<_, argon2::password_hash::Error>(hash.to_string())
        });
        Ok(hashed.await??)
    }

    /// Whether a password is the one with this hash; without a hash it never is, and takes as long to say so.
    ///
    /// # Errors
    /// For a hash that cannot be read.
    pub(crate) async fn is_right(&self, password: Password, hash: Option<String>) -> Result<bool, PasswordError> {
        let has_hash = hash.is_some();
        let hash = hash.unwrap_or_else(|| OF_NOBODY.to_owned());
        let verified = self.in_turn(move || {
            let hash = PasswordHash::new(&hash)?;
            match hasher()?.verify_password(password.reveal().as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        });
        let is_right: Result<bool, argon2::password_hash::Error> = verified.await?;
        Ok(is_right? && has_hash)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| PasswordError::Stopping)?;
        #[cfg(test)]
        self.n_hashes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // The turn goes with the work: a client that leaves does not make room for another before it is done.
        let done = tokio::task::spawn_blocking(move || {
            let value = work();
            drop(turn);
            value
        });
        done.await.map_err(|_| PasswordError::Stopping)
    }
}

fn hasher() -> Result<Argon2<'static>, argon2::password_hash::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn t17_where_there_is_no_hash_the_same_work_is_done() {
        let hash = Passwords::default().hash(Password::new("correct horse".to_owned())).await.expect("hashed");
        let [hash, nobody] = [hash.as_str(), OF_NOBODY].map(|text| PasswordHash::new(text).expect("a hash"));
        assert_eq!((&hash.algorithm, &hash.version), (&nobody.algorithm, &nobody.version));
        assert_eq!(hash.params.to_string(), nobody.params.to_string(), "memory, passes, lanes");
        let length = |hash: &PasswordHash| hash.hash.as_ref().map(|output| output.as_bytes().len());
        assert_eq!(length(&hash), length(&nobody));
    }

    #[tokio::test]
    async fn no_more_are_hashed_at_a_time_than_half_of_the_processors_can() {
        let (passwords, most) = (Passwords::default(), available_parallelism().map_or(1, usize::from) / 2);
        let most = most.max(1);
        let running = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let work = || {
            let running = Arc::clone(&running);
            passwords.in_turn(move || {
                let now = running.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                std::thread::sleep(std::time::Duration::from_millis(2));
                running.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                now
            })
        };
        let seen = futures_util::future::join_all((0..64).map(|_| work())).await;
        let seen: Vec<usize> = seen.into_iter().map(|seen| seen.expect("done")).collect();
        assert!(seen.iter().all(|running| (1..=most).contains(running)), "{seen:?}");
    }

    #[tokio::test]
    async fn the_right_password_is_known_again() {
        let (passwords, password) = (Passwords::default(), |text: &str| Password::new(text.to_owned()));
        let hash = passwords.hash(password("correct horse")).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(
            hash,
            passwords.hash(password("correct horse")).await.expect("hashed"),
            "each has a salt of its own"
        );
        for (text, hash, is_right) in [
            ("correct horse", Some(hash.clone()), true),
            ("correct horses", Some(hash.clone()), false),
            ("", Some(hash), false),
            ("correct horse", None, false),
            ("", None, false),
        ] {
            assert_eq!(passwords.is_right(password(text), hash).await.expect("compared"), is_right, "{text}");
        }
        assert!(passwords.is_right(password("x"), Some("not a hash".to_owned())).await.is_err());
    }
}
