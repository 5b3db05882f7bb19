//! What a sign-in costs: the same, whatever is wrong with it. How long it takes is measured by `scripts/soak`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;
use crate::app::{Parts, Ports, SigningKeyFile};
use crate::config::{Settings, Sources};
use crate::events::hub::Hub;
use crate::jobs::QueueHandle;
use crate::store::{Store, StoreConfig};
use packshot_db::testing::TestDatabase;
use packshot_db::users::{NewPassword, NewUser};
use packshot_db::{Db, tenants};
use packshot_domain::access::Role;
use packshot_domain::user::Password;

const PASSWORD: &str = "several words together";

async fn app(folder: &Path) -> App {
    let variables = [("HOME", folder), ("PACKSHOT_DATA", folder)];
    let variables = variables.map(|(name, folder)| (name.to_owned(), folder.display().to_string()));
    let sources = Sources { variables: variables.into(), ..Sources::default() };
    let settings = Arc::new(Settings::from_sources(&sources).expect("valid settings"));
    let database = TestDatabase::Sqlite.fresh(folder).await.expect("a database");
    App::new(Parts {
        ports: Ports::default(),
        db: Db::open(&database).await.expect("the database opens"),
        store: Store::open(&StoreConfig::Local { root: folder.join("store") }).expect("the store opens"),
        hub: Hub::new(),
        queue: QueueHandle::default(),
        signing_keys: SigningKeyFile::open(settings.jwt_secret_file.clone()).expect("keys"),
        settings,
    })
}

/// A user with [`PASSWORD`].
async fn user(app: &App, tenant: TenantId, email: &str, is_active: bool) {
    let hash = app.passwords.hash(Password::new(PASSWORD.to_owned())).await.expect("hashed");
    let new = NewUser {
        email: email.parse().expect("an address"),
        display_name: email.parse().expect("a name"),
        role: Role::Client,
        is_active,
        password: NewPassword { hash, is_temporary: false },
    };
    users::create(&app.db, TenantScope::of(tenant), Actor::system(), new).await.expect("a user");
}

/// Tries to sign in: the answer, and how many hashes were computed for it.
async fn attempt_of(app: &App, email: &str, password: &str, tenant: Option<&str>) -> (Result<Tokens, AppError>, usize) {
    let before = app.passwords.n_hashes.load(Ordering::Relaxed);
    let wish = SignIn {
        email: email.to_owned(),
        password: Password::new(password.to_owned()),
        tenant: tenant.map(str::to_owned),
    };
    let answer = sign_in(app, wish, Visitor::default()).await;
    (answer, app.passwords.n_hashes.load(Ordering::Relaxed) - before)
}

#[tokio::test]
async fn t17_every_sign_in_computes_one_hash() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app(folder.path()).await;
    let alpha = installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant;
    let beta = tenants::create_bare(&app.db, AllTenants::Instance, "beta", Role::TenantAdmin).await;
    let (beta, _) = beta.expect("a tenant");
    for (tenant, email, is_active) in
        [(alpha, "anna@test", true), (alpha, "idle@test", false), (alpha, "both@test", true), (beta, "both@test", true)]
    {
        user(&app, tenant, email, is_active).await;
    }
    let wrong = "wrong words together";
    let tries = [
        ("a wrong password", "anna@test", wrong, None),
        ("an empty password", "anna@test", "", None),
        ("an unknown e-mail", "nobody@test", PASSWORD, None),
        ("no e-mail", "no address", PASSWORD, None),
        ("an inactive user", "idle@test", PASSWORD, None),
        ("an inactive user and a wrong password", "idle@test", wrong, None),
        ("an ambiguous tenant", "both@test", PASSWORD, None),
        ("an unknown tenant", "both@test", PASSWORD, Some("gamma")),
        ("another tenant", "anna@test", PASSWORD, Some("beta")),
    ];
    for (what, email, password, tenant) in tries {
        let (answer, hashes) = attempt_of(&app, email, password, tenant).await;
        let error = answer.expect_err(what);
        let seen = (error.code(), error.detail(), error.wait(), hashes);
        assert_eq!(seen, ("invalid_credentials", "Wrong e-mail, password or tenant", None, 1), "{what}");
    }
    let (answer, hashes) = attempt_of(&app, "both@test", PASSWORD, Some("beta")).await;
    assert_eq!((answer.expect("right").tenant.id, hashes), (beta.uuid(), 1));
}

#[tokio::test]
async fn t19_what_is_refused_for_too_many_failures_computes_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app(folder.path()).await;
    let tenant = installation::get(&app.db, AllTenants::Instance).await.expect("answers").operating_tenant;
    user(&app, tenant, "anna@test", true).await;
    for _ in 0..10 {
        assert_eq!(attempt_of(&app, "Anna@test", "wrong words together", None).await.1, 1);
    }
    app.db.move_clock(60_500);
    let (answer, hashes) = attempt_of(&app, "anna@test", PASSWORD, None).await;
    let error = answer.expect_err("too many have failed");
    assert_eq!((error.code(), hashes), ("rate_limited", 0));
    let wait = error.wait().expect("says how long");
    assert!((800..=840).contains(&wait.as_secs()) && wait.subsec_nanos() == 0, "{wait:?}");
    app.db.move_clock(i64::try_from(wait.as_millis()).expect("small"));
    assert!(attempt_of(&app, "anna@test", PASSWORD, None).await.0.is_ok(), "after this time and not later");
}
