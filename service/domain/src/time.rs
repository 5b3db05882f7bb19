//! Points in time, as the database's clock gives them.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Datelike};

/// Milliseconds of UTC since 1970, within the years 0000 to 9999. As text RFC 3339 with milliseconds and `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// Text that is not a time of RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time as RFC 3339 writes it, such as 2026-11-20T10:00:00.000Z")]
pub struct InvalidTime;

impl Timestamp {
    /// 0000-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// 9999-12-31T23:59:59.999Z, the last time that RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The time so many milliseconds after 1970 began; what no calendar of four digits has becomes [`Self::MIN`] or
    /// [`Self::MAX`].
    #[must_use]
    pub const fn from_unix_ms(ms: i64) -> Self {
        if ms < Self::MIN.0 {
            Self::MIN
        } else if ms > Self::MAX.0 {
            Self::MAX
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since 1970 began.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Its year in UTC.
    #[must_use]
    pub fn year(self) -> i32 {
        DateTime::from_timestamp_millis(self.0).map_or(0, |time| time.year())
    }

    /// How long after `earlier` this is; zero when it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        let ms = self.0 - earlier.0;
        Duration::from_millis(if ms > 0 { ms.unsigned_abs() } else { 0 })
    }
}

impl Timestamp {
    /// The time that a header of HTTP names, such as `Fri, 20 Nov 2026 10:00:00 GMT` (RFC 9110); `None` for other text.
    #[must_use]
    pub fn of_http_date(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc2822(text).ok()?;
        Some(Self::from_unix_ms(time.timestamp_millis()))
    }
}

/// `duration` in whole milliseconds, rounded to the nearest.
fn rounded_ms(duration: Duration) -> i64 {
    i64::try_from((duration.as_nanos() + 500_000) / 1_000_000).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self::from_unix_ms(self.0.saturating_add(rounded_ms(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self::from_unix_ms(self.0.saturating_sub(rounded_ms(duration)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_timestamp_millis(self.0).ok_or(fmt::Error)?;
        write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTime)?;
        Ok(Self::from_unix_ms(time.timestamp_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_rfc_3339_with_milliseconds() {
        let time = Timestamp::from_unix_ms(1_795_168_800_007);
        assert_eq!(time.to_string(), "2026-11-20T10:00:00.007Z");
        assert_eq!("2026-11-20T11:00:00.007+01:00".parse(), Ok(time));
        assert_eq!("yesterday".parse::<Timestamp>(), Err(InvalidTime));
    }

    #[test]
    fn times_stay_within_four_digit_years() {
        assert_eq!(Timestamp::from_unix_ms(i64::MIN), Timestamp::MIN);
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Duration::MAX, Timestamp::MIN);
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn differences_are_never_negative() {
        let time = Timestamp::from_unix_ms(1000);
        assert_eq!((time + Duration::from_millis(30)).since(time), Duration::from_millis(30));
        assert_eq!(time.since(time + Duration::from_millis(30)), Duration::ZERO);
    }
}
