//! The bus: on PostgreSQL, tells other processes what this one has committed, and hears what they have
//! (scale-out.md §8).
//!
//! A message names what changed, never how: losing, doubling or reordering messages costs time only, as everything
//! that waits also polls. Notices are gathered and sent at most every 50 ms: `NOTIFY` takes a lock of the whole
//! server, and in every transaction it would slow all of them down. Both connections are the bus's own.

mod message;

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions};
use sea_orm::sqlx::{self, ConnectOptions, PgConnection};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use self::message::{Message, Said};
use super::{Db, Notice};

/// The channel of all processes with one database.
const CHANNEL: &str = "packshot";
/// How often to send at most.
const EVERY: Duration = Duration::from_millis(50);
/// How often to see whether the process hears itself, at the latest.
const TEST_EVERY: Duration = Duration::from_secs(60);
/// A connection, or the own message coming back, takes at most this long.
const PATIENCE: Duration = Duration::from_secs(2);
/// The wait before the next attempt to connect.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Whether this process hears others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is connected for the first time.
    Connecting,
    /// It heard itself.
    Connected,
    /// It hears nothing.
    Away {
        /// Since when.
        since: Instant,
        /// Why, as text for people.
        reason: String,
    },
}

impl Link {
    /// A new bus, and where to see how it is.
    #[must_use]
    pub fn new() -> (watch::Sender<Self>, watch::Receiver<Self>) {
        watch::channel(Self::Connecting)
    }
}

/// Carries notices between `db` and other processes with the same database, whose URL is `url`, for as long as the
/// process lives; `link` says whether it can. It never ends: a lost connection is made again.
pub async fn carry(db: Db, url: String, link: watch::Sender<Link>) {
    loop {
        let reason = match Session::open(&db, &url).await {
            Ok(mut session) => session.run(&link).await,
            Err(reason) => reason,
        };
        tracing::debug!(reason, "the bus lost its connection");
        link.send_modify(|link| match link {
            Link::Away { reason: last, .. } => *last = reason,
            Link::Connecting | Link::Connected => *link = Link::Away { since: Instant::now(), reason },
        });
        sleep(AGAIN_AFTER).await;
    }
}

/// A pair of connections, until one fails.
struct Session<'a> {
    db: &'a Db,
    listening: PgListener,
    sending: PgConnection,
    /// Tells its messages from all others.
    id: Uuid,
    /// What is to be sent.
    gathered: Gathered,
    sent_at: Option<Instant>,
    echo: Echo,
}

/// Whether the session hears itself.
#[derive(Debug, Default)]
struct Echo {
    /// How many messages it has sent; they have their number.
    n_sent: u64,
    /// The number that must come back, or a later one, and until when.
    awaited: Option<(u64, Instant)>,
}

impl Echo {
    /// The number of the next message.
    fn sent(&mut self, now: Instant) -> u64 {
        self.n_sent += 1;
        self.awaited.get_or_insert((self.n_sent, now + PATIENCE));
        self.n_sent
    }

    /// A message came back.
    fn heard(&mut self, n: u64, now: Instant) {
        if self.awaited.is_some_and(|(awaited, _)| n >= awaited) {
            self.awaited = (n < self.n_sent).then(|| (self.n_sent, now + PATIENCE));
        }
    }

    /// Until when something must come back.
    fn until(&self) -> Option<Instant> {
        self.awaited.map(|(_, until)| until)
    }
}

/// Why a session ended, as text for people.
type Reason = String;

impl<'a> Session<'a> {
    async fn open(db: &'a Db, url: &str) -> Result<Self, Reason> {
        let options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| error.to_string())?;
        let options = options.application_name("packshot bus").disable_statement_logging();
        let connecting = async {
            let sending = options.connect().await?;
            let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
            let mut listening = PgListener::connect_with(&pool).await?;
            listening.eager_reconnect(false);
            listening.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>((sending, listening))
        };
        let (sending, listening) = match timeout(PATIENCE, connecting).await {
            Ok(connected) => connected.map_err(|error| error.to_string())?,
            Err(_) => return Err(format!("the database server did not answer within {} s", PATIENCE.as_secs())),
        };
        let (gathered, echo) = (Gathered::default(), Echo::default());
        Ok(Self { db, listening, sending, id: Uuid::now_v7(), gathered, sent_at: None, echo })
    }

    async fn run(&mut self, link: &watch::Sender<Link>) -> Reason {
        let mut notices = self.db.shared.notices.here();
        // The first message is empty: a test.
        let mut send_at = Instant::now();
        loop {
            let until = self.echo.until().unwrap_or(send_at).min(send_at);
            tokio::select! {
                // What has come is looked at before anything is found to be missing.
                biased;
                heard = self.listening.try_recv() => match heard {
                    Ok(Some(notification)) => {
                        if self.hear(&notification) {
                            link.send_if_modified(|link| {
                                let is_new = *link != Link::Connected;
                                *link = Link::Connected;
                                is_new
                            });
                        }
                    }
                    Ok(None) => return "the connection was cut".to_owned(),
                    Err(error) => return error.to_string(),
                },
                notice = notices.recv() => {
                    match notice {
                        Ok(notice) => self.gathered.add(notice),
                        Err(RecvError::Lagged(_)) => self.gathered.add(Notice::Any),
                        // The handle keeps the sender.
                        Err(RecvError::Closed) => return "the database is closed".to_owned(),
                    }
                    send_at = send_at.min(self.sent_at.map_or_else(Instant::now, |sent| sent + EVERY));
                }
                () = sleep_until(until) => {
                    let now = Instant::now();
                    if self.echo.until().is_some_and(|until| now >= until) {
                        return format!(
                            "its own message did not come back within {} s, as behind a pooler that shares connections",
                            PATIENCE.as_secs()
                        );
                    }
                    if now >= send_at {
                        if let Err(reason) = self.send().await {
                            return reason;
                        }
                        send_at = Instant::now() + TEST_EVERY;
                    }
                }
            }
        }
    }

    /// Sends what was gathered, maybe nothing.
    async fn send(&mut self) -> Result<(), Reason> {
        let now = Instant::now();
        let n = self.echo.sent(now);
        let message = Message { from: self.id, n, said: std::mem::take(&mut self.gathered).said() };
        let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(message.to_string());
        self.sent_at = Some(now);
        match timeout(PATIENCE, notify.execute(&mut self.sending)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the database server did not answer within {} s", PATIENCE.as_secs())),
        }
    }

    /// Announces a message in this process; returns whether it is the session's own, which proves that it hears.
    fn hear(&mut self, notification: &PgNotification) -> bool {
        // Of a later version, or from somebody else.
        let Ok(message) = notification.payload().parse::<Message>() else { return false };
        if message.from == self.id {
            self.echo.heard(message.n, Instant::now());
            return true;
        }
        match message.said {
            Said::Notices(notices) => notices.into_iter().for_each(|notice| self.db.shared.notices.heard(notice)),
            Said::TooMuch => self.db.shared.notices.heard(Notice::Any),
        }
        false
    }
}

/// Notices that wait to be sent, each once.
#[derive(Default)]
struct Gathered {
    /// In the order in which they came first.
    notices: Vec<Notice>,
    /// Where streams are in it.
    streams: HashMap<packshot_domain::stream::StreamId, usize>,
}

impl Gathered {
    fn add(&mut self, notice: Notice) {
        if let Notice::Events { stream, .. } = &notice {
            let at = *self.streams.entry(*stream).or_insert(self.notices.len());
            match self.notices.get_mut(at) {
                Some(last) => *last = notice,
                None => self.notices.push(notice),
            }
        } else if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    fn said(self) -> Said {
        if self.notices.contains(&Notice::Any) { Said::TooMuch } else { Said::Notices(self.notices) }
    }
}

#[cfg(test)]
mod tests {
    use packshot_domain::id::{RenderId, TaskId, TenantId};
    use packshot_domain::stream::StreamId;

    use super::*;

    #[test]
    fn a_stream_is_named_once_with_its_last_number() {
        let (tenant, [one, other]) = (TenantId::new(), [RenderId::new(), RenderId::new()].map(StreamId::of_render));
        let of = |stream, seq| Notice::Events { tenant, stream, seq };
        let task = Notice::CancelRequested(TaskId::new());
        let mut gathered = Gathered::default();
        for notice in [of(one, 1), task.clone(), of(other, 7), of(one, 2), task.clone(), Notice::Settings, of(one, 3)] {
            gathered.add(notice);
        }
        let Said::Notices(notices) = gathered.said() else { panic!("few") };
        assert_eq!(notices, [of(one, 3), task, of(other, 7), Notice::Settings]);
    }

    #[test]
    fn a_slow_echo_is_one_and_a_missing_one_is_not() {
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let mut echo = Echo::default();
        // Each message comes back after the next one was sent.
        for n in 1..=100 {
            assert_eq!(echo.sent(at(50 * n)), n);
            if n > 1 {
                echo.heard(n - 1, at(50 * n + 30));
            }
            assert!(echo.until().is_some_and(|until| until > at(50 * n + 1_900)), "{n}");
        }
        echo.heard(100, at(5_100));
        assert_eq!(echo.until(), None);
        // From now on none does.
        echo.sent(at(6_000));
        echo.sent(at(6_050));
        assert_eq!(echo.until(), Some(at(8_000)));
        echo.heard(100, at(6_100));
        assert_eq!(echo.until(), Some(at(8_000)), "an old one proves nothing");
    }

    #[test]
    fn what_was_missed_may_be_anything() {
        let mut gathered = Gathered::default();
        gathered.add(Notice::Settings);
        gathered.add(Notice::Any);
        assert_eq!(gathered.said(), Said::TooMuch);
    }
}
