//! The states of a delivery, and when it is tried again.

use core::time::Duration;

use crate::words::words;

/// How often a delivery is tried.
pub const ATTEMPTS_MAX: i32 = 10;

const SECOND: u64 = 1;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// The pauses between attempts, in seconds: the example of Standard Webhooks 1.0.0.
const PAUSES_S: [u64; ATTEMPTS_MAX as usize - 1] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
/// How far a pause may be from the one of the table, so that receivers that were away are not flooded.
const SPREAD: f64 = 0.1;
/// The longest pause that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * HOUR);

words! {
    /// State of a delivery.
    pub enum DeliveryState {
        /// It waits for its next attempt
        Pending = "pending",
        /// An attempt is under way
        Delivering = "delivering",
        /// The receiver took it
        Delivered = "delivered",
        /// It is not tried again by itself
        Failed = "failed",
    }
}

words! {
    /// What happens to a delivery.
    pub enum DeliveryEvent {
        /// An attempt starts
        Begin = "begin",
        /// The receiver answered 2xx
        Succeed = "succeed",
        /// The attempt failed, and attempts are left
        Retry = "retry",
        /// The attempt failed, and was the last
        GiveUp = "give_up",
        /// The receiver answered 410
        Gone = "gone",
        /// Whoever made the attempt was lost
        Lose = "lose",
        /// The webhook was disabled or deleted. An attempt that is under way is not stopped; its end is the delivery's
        SwitchOff = "switch_off",
        /// Somebody asks for it again
        Redeliver = "redeliver",
    }
}

words! {
    /// Why an attempt failed.
    pub enum AttemptError {
        /// The receiver did not answer in time
        Timeout = "timeout",
        /// No connection, or it broke
        ConnectFailed = "connect_failed",
        /// The receiver could not prove who it is
        TlsFailed = "tls_failed",
        /// The host has an address that is not connected to
        AddressBlocked = "address_blocked",
        /// The receiver pointed elsewhere, which is not followed
        Redirect = "redirect",
        /// The receiver answered with an error
        HttpStatus = "http_status",
        /// The webhook was disabled
        WebhookDisabled = "webhook_disabled",
    }
}

/// An event that is impossible in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{event}' is not possible for a delivery that is {from}")]
pub struct IllegalDeliveryState {
    /// The state it is in.
    pub from: DeliveryState,
    /// The event.
    pub event: DeliveryEvent,
}

impl DeliveryState {
    /// Whether nothing follows but a redelivery.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed)
    }

    /// The state after `event`.
    ///
    /// # Errors
    ///
    /// [`IllegalDeliveryState`] when the event is impossible in this state.
    pub const fn next(self, event: DeliveryEvent) -> Result<Self, IllegalDeliveryState> {
        use DeliveryEvent as E;
        Ok(match (self, event) {
            (Self::Pending, E::Begin) => Self::Delivering,
            (Self::Delivering, E::Succeed) => Self::Delivered,
            (Self::Delivering, E::Retry | E::Lose) => Self::Pending,
            (Self::Delivering, E::GiveUp | E::Gone) | (Self::Pending, E::SwitchOff) => Self::Failed,
            (Self::Delivering | Self::Delivered | Self::Failed, E::SwitchOff) => self,
            (Self::Delivered | Self::Failed, E::Redeliver) => Self::Pending,
            _ => return Err(IllegalDeliveryState { from: self, event }),
        })
    }
}

/// How far a pause is from the one of the table: from -1, a tenth shorter, to 1, a tenth longer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter(f64);

impl Jitter {
    /// None.
    pub const NONE: Self = Self(0.0);

    /// Of random bits, all of them equally likely.
    #[must_use]
    pub fn of_bits(bits: u32) -> Self {
        Self(f64::from(bits) / f64::from(u32::MAX) * 2.0 - 1.0)
    }
}

/// The pause after the `n_failed`th attempt that failed, which is longer where the receiver asks for that, up to a day;
/// `None` when it was the last.
#[must_use]
pub fn wait_after(n_failed: i32, jitter: Jitter, retry_after: Option<Duration>) -> Option<Duration> {
    let pause_s = *PAUSES_S.get(usize::try_from(n_failed - 1).ok()?)?;
    let pause = Duration::from_secs(pause_s).mul_f64(1.0 + SPREAD * jitter.0.clamp(-1.0, 1.0));
    Some(retry_after.map_or(pause, |asked| pause.max(asked.min(RETRY_AFTER_MAX))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// The table of the contract: state, event, what follows.
    const TABLE: [(DeliveryState, DeliveryEvent, DeliveryState); 12] = {
        use DeliveryEvent as E;
        use DeliveryState::{Delivered, Delivering, Failed, Pending};
        [
            (Pending, E::Begin, Delivering),
            (Pending, E::SwitchOff, Failed),
            (Delivering, E::Succeed, Delivered),
            (Delivering, E::Retry, Pending),
            (Delivering, E::GiveUp, Failed),
            (Delivering, E::Gone, Failed),
            (Delivering, E::Lose, Pending),
            (Delivering, E::SwitchOff, Delivering),
            (Delivered, E::SwitchOff, Delivered),
            (Failed, E::SwitchOff, Failed),
            (Delivered, E::Redeliver, Pending),
            (Failed, E::Redeliver, Pending),
        ]
    };

    proptest! {
        #[test]
        fn n78_states_follow_the_table_and_nothing_else(
            events in proptest::collection::vec(select(DeliveryEvent::ALL), 0..40),
        ) {
            let mut state = DeliveryState::Pending;
            for event in events {
                let expected = TABLE.iter().find(|(from, of, _)| (*from, *of) == (state, event));
                let next = state.next(event);
                prop_assert_eq!(next.ok(), expected.map(|(_, _, to)| *to), "{} {}", state, event);
                state = next.unwrap_or(state);
            }
        }
    }

    #[test]
    fn n78_every_state_and_event_of_the_table() {
        for from in DeliveryState::ALL {
            for event in DeliveryEvent::ALL {
                let expected = TABLE.iter().find(|(state, of, _)| (state, of) == (from, event)).map(|(_, _, to)| *to);
                assert_eq!(from.next(*event).ok(), expected, "{from} {event}");
            }
        }
    }

    #[test]
    fn n57_n58_n59_pauses_grow_and_receivers_may_ask_for_longer_ones() {
        let pauses: Vec<u64> =
            (1..ATTEMPTS_MAX).filter_map(|n| wait_after(n, Jitter::NONE, None)).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, PAUSES_S);
        assert_eq!(pauses.iter().sum::<u64>(), 75 * HOUR + 35 * MINUTE + 5);
        assert_eq!(wait_after(ATTEMPTS_MAX, Jitter::NONE, Some(Duration::from_secs(1))), None);
        assert_eq!(wait_after(0, Jitter::NONE, None), None);
        let second = |jitter| wait_after(2, jitter, None).expect("a pause").as_secs_f64();
        assert_eq!((second(Jitter::of_bits(0)), second(Jitter::of_bits(u32::MAX))), (270.0, 330.0));
        let asked = |s| wait_after(1, Jitter::NONE, Some(Duration::from_secs(s))).expect("a pause").as_secs();
        assert_eq!((asked(600), asked(999_999), asked(1)), (600, 24 * HOUR, 5));
    }
}
