//! The isolation matrix: every operation, called in every way that could show or change what is not the caller's.

use std::collections::BTreeSet;
use std::fmt;

use packshot_domain::access::Role;
use reqwest::Method;

use super::asked::{Answer, Body, each, request};
use super::operation::Operation;
use super::table::Row;
use super::tenants::{Caller, Tenants};

/// A way to ask for what is alpha's.
#[derive(Clone, Copy, Debug)]
enum Way<'a> {
    /// By somebody of alpha who may: it is there.
    Own(&'a Caller),
    /// By somebody of beta whose role would do.
    Other(&'a Caller),
    /// By somebody of either tenant whose role does not do.
    Lower(&'a Caller),
    /// By nobody.
    Nobody,
    /// With a credential that is no longer valid, or never was.
    Unknown { what: &'static str, bearer: &'a str },
}

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(caller) | Self::Other(caller) | Self::Lower(caller) => write!(f, "{caller}"),
            Self::Nobody => f.write_str("nobody"),
            Self::Unknown { what, .. } => f.write_str(what),
        }
    }
}

/// All ways to ask for an operation.
fn ways<'a>(tenants: &'a Tenants, operation: &Operation) -> Vec<Way<'a>> {
    let row = Row::of(operation.permission.as_ref().expect("it is guarded"));
    let mut ways = vec![Way::Nobody];
    let unknown = tenants.refused.iter();
    ways.extend(unknown.map(|credential| Way::Unknown { what: credential.what, bearer: &credential.text }));
    for caller in tenants.callers() {
        match (row.grants(caller.role, caller.is_of_alpha), caller.is_of_alpha) {
            (false, _) => ways.push(Way::Lower(caller)),
            (true, false) => ways.push(Way::Other(caller)),
            (true, true) => {}
        }
    }
    // A tenant's admin, where that is enough.
    let is_boss_enough = row.grants(Role::TenantAdmin, true);
    ways.push(Way::Own(if is_boss_enough { &tenants.alpha.boss } else { &tenants.admin }));
    ways
}

/// A place in the matrix.
struct Place<'a> {
    operation: &'a Operation,
    way: Way<'a>,
    ids: Vec<String>,
}

/// Operations that need an asset, or one in a gallery.
const GALLERY: [&str; 2] = ["add_product_media", "remove_product_media"];

impl Place<'_> {
    async fn ask(&self, tenants: &Tenants, ids: &[String]) -> Answer {
        let bearer = match self.way {
            Way::Own(caller) | Way::Other(caller) | Way::Lower(caller) => Some(caller.token.as_str()),
            Way::Nobody => None,
            Way::Unknown { bearer, .. } => Some(bearer),
        };
        // What needs no id would be done, and to the caller's own things.
        let is_let_in = matches!(self.way, Way::Own(_) | Way::Other(_));
        let body = if is_let_in && !self.operation.has_id() { Body::Unfit } else { Body::Example };
        Answer::to(request(&tenants.app, self.operation, bearer, ids, body)).await
    }

    /// How the answer shows or does what it must not; `None` where it does not.
    async fn leak(&self, tenants: &Tenants, marks: &BTreeSet<String>) -> Option<String> {
        let answer = self.ask(tenants, &self.ids).await;
        let is_right = match self.way {
            // The reference of the example is one to nothing.
            Way::Own(_) if self.operation.has_reference() => answer.code() == "context_not_found",
            // The asset of the example is nobody's, and the gallery has none yet.
            Way::Own(_) if GALLERY.contains(&self.operation.name.as_str()) => answer.code() == "asset_not_found",
            Way::Own(_) => answer.is_let_in() && answer.status != 404,
            Way::Other(_) if self.operation.has_id() => {
                let missing = self.ask(tenants, &self.operation.made_up_ids()).await;
                answer.clone().bare() == missing.bare()
            }
            Way::Other(_) => answer.is_let_in(),
            Way::Lower(_) => answer.status == 403,
            Way::Nobody | Way::Unknown { .. } => answer.status == 401,
        };
        let shown = answer.clone().bare();
        let is_own = matches!(self.way, Way::Own(_));
        let mark = marks.iter().find(|mark| {
            !is_own && (shown.body.contains(*mark) || shown.headers.values().any(|value| value.contains(*mark)))
        });
        let place = format!("{} by {}", self.operation, self.way);
        match mark {
            Some(mark) => Some(format!("{place} shows {mark}: {}", answer.said())),
            None => (!is_right).then(|| format!("{place}: {}", answer.said())),
        }
    }

    /// Its place in the order of requests: reading comes before changing, and removing last.
    fn turn(&self) -> u8 {
        match self.operation.method {
            Method::GET => 0,
            Method::PUT | Method::PATCH => 1,
            Method::DELETE => 3,
            _ => 2,
        }
    }
}

cases! {
    on_postgres_in_the_soak:
    async fn t07_t08_t48_nothing_leaks(engine) {
        let tenants = Tenants::with_things(&engine).await;
        let marks = tenants.marks_of_alpha().await;
        let guarded = tenants.guarded();
        let (mut strange, mut own) = (Vec::new(), Vec::new());
        for operation in &guarded {
            let ids = tenants.ids_in_alpha(operation).await;
            for way in ways(&tenants, operation) {
                let place = Place { operation, way, ids: ids.clone() };
                if matches!(way, Way::Own(_)) { own.push(place) } else { strange.push(place) }
            }
        }
        let mut leaks = each(&strange, async |place| place.leak(&tenants, &marks).await).await;
        // What belongs to alpha is still there for alpha, until alpha removes it.
        own.sort_by_key(Place::turn);
        for place in &own {
            leaks.push(place.leak(&tenants, &marks).await);
        }
        let n_asked = leaks.len();
        let leaks: Vec<String> = leaks.into_iter().flatten().collect();
        assert_eq!(leaks, [""; 0], "{} of {n_asked}", leaks.len());
        // Own, nobody, each credential, and of the seven callers all but those of alpha who may.
        let least = guarded.len() * (2 + tenants.refused.len() + 3);
        assert!(n_asked >= least && guarded.len() > 45, "{n_asked} of {} operations, at least {least}", guarded.len());
    }
}
