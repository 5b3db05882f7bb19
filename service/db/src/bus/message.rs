//! Messages of the bus as text: a line that says from whom and which one it is, then a line for each notice.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::Notice;
use packshot_domain::stream::StreamId;
use packshot_domain::task::Lane;

/// The longest message, in bytes: PostgreSQL takes less than 8,000.
const BYTES_MAX: usize = 7000;
/// A notice of any kind.
const ANY: &str = "*";

/// What one session says to all.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// The session.
    pub(super) from: Uuid,
    /// Which of its messages.
    pub(super) n: u64,
    /// What it has committed.
    pub(super) said: Said,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// All of it.
    Notices(Vec<Notice>),
    /// More than a message holds.
    TooMuch,
}

/// Not a message that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.from, self.n)?;
        let Said::Notices(notices) = &self.said else { return write!(f, "\n{ANY}") };
        let mut text = String::new();
        for notice in notices {
            text.push('\n');
            text.push_str(&topic(notice));
        }
        // The first line is short.
        f.write_str(if text.len() > BYTES_MAX { "\n*" } else { &text })
    }
}

impl FromStr for Message {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let mut lines = text.lines();
        let (from, n) = lines.next().and_then(|first| first.split_once(' ')).ok_or(Unreadable)?;
        let (from, n) = (from.parse().map_err(|_| Unreadable)?, n.parse().map_err(|_| Unreadable)?);
        // A notice that only a later version knows may be any.
        let notices: Option<Vec<Notice>> = lines.map(notice).collect();
        Ok(Self { from, n, said: notices.map_or(Said::TooMuch, Said::Notices) })
    }
}

/// A notice as a line.
fn topic(notice: &Notice) -> String {
    match notice {
        Notice::Events { tenant, stream, seq } => {
            format!("stream {tenant} {} {} {seq}", stream.kind.as_str(), stream.id)
        }
        Notice::Queued(queue, lane) => format!("queue {} {lane}", queue.as_str()),
        Notice::CancelRequested(task) => format!("cancel {task}"),
        Notice::WorkerConfigs => "worker_configs".to_owned(),
        Notice::Settings => "settings".to_owned(),
        Notice::Any => ANY.to_owned(),
    }
}

/// The notice of a line; `None` if it may be any.
fn notice(line: &str) -> Option<Notice> {
    let words: Vec<&str> = line.split(' ').collect();
    Some(match words[..] {
        ["stream", tenant, kind, id, seq] => Notice::Events {
            tenant: tenant.parse().ok()?,
            stream: StreamId::new(kind.parse().ok()?, id.parse().ok()?),
            seq: seq.parse().ok()?,
        },
        ["queue", queue, lane] => Notice::Queued(queue.parse().ok()?, Lane::new(lane).ok()?),
        ["cancel", task] => Notice::CancelRequested(task.parse().ok()?),
        ["worker_configs"] => Notice::WorkerConfigs,
        ["settings"] => Notice::Settings,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use packshot_domain::id::{OrderId, TaskId, TenantId};
    use packshot_domain::task::QueueName;

    use super::*;

    fn message(notices: Vec<Notice>) -> Message {
        Message { from: Uuid::now_v7(), n: 3, said: Said::Notices(notices) }
    }

    fn events() -> Notice {
        Notice::Events { tenant: TenantId::new(), stream: StreamId::of_order(OrderId::new()), seq: 17 }
    }

    #[test]
    fn what_is_sent_is_heard() {
        let all = vec![
            events(),
            Notice::Queued(QueueName::Housekeeping, Lane::webhooks()),
            Notice::CancelRequested(TaskId::new()),
            Notice::WorkerConfigs,
            Notice::Settings,
        ];
        for sent in [message(all), message(vec![]), Message { said: Said::TooMuch, ..message(vec![]) }] {
            assert_eq!(sent.to_string().parse(), Ok(sent));
        }
    }

    #[test]
    fn a_long_message_says_that_it_may_be_any() {
        let sent = message((0..100).map(|_| events()).collect()).to_string();
        assert!(sent.len() < 100, "{sent}");
        assert_eq!(sent.parse::<Message>().map(|message| message.said), Ok(Said::TooMuch));
        let sent = message((0..50).map(|_| events()).collect()).to_string();
        assert!((4000..BYTES_MAX + 100).contains(&sent.len()), "{} bytes", sent.len());
    }

    #[test]
    fn words_of_later_versions_and_of_others() {
        let from = Uuid::now_v7();
        let later = format!("{from} 1\nsettings\nrevised 12");
        assert_eq!(later.parse(), Ok(Message { from, n: 1, said: Said::TooMuch }));
        for other in ["", "hello", "{}", "0 0", &format!("{from} x"), &format!("{from}")] {
            assert_eq!(other.parse::<Message>(), Err(Unreadable), "{other}");
        }
    }
}
