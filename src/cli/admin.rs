//! `packshot admin`: backup, restore, the store and its files, keys, users and the roles of the database, on the
//! machine of the data folder.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use packshot_contract::chore::{DamagedFile, ScrubResult};
use packshot_domain::access::{Role, Scope};
use packshot_domain::time::Timestamp;
use packshot_domain::user::{DisplayName, Email, Password};
use packshot_materials::name::one_line;
use packshot_service::admin::keys::{self, Expiry, KeyName, ListedKey, RevokedKey};
use packshot_service::admin::users::{self, NewAccount};
use packshot_service::admin::{self, AdminError, migrate, scrub};
use packshot_service::config::Settings;
use serde_json::{Value, json};

use super::failure::{Exit, Failure};
use super::serve::{runtime, settings};
use super::{console, files};

/// Manage an installation, on the machine that it runs on
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Back up the database and all files to one file; the service may be running
    #[command(after_help = "Example: packshot admin backup -o packshot-backup.zip")]
    Backup {
        /// The file to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Restore a backup into a new data folder
    #[command(after_help = "Example: packshot admin restore packshot-backup.zip --data /srv/packshot")]
    Restore {
        /// The file that `backup` wrote
        backup: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Give the database the configured store, after its files were moved, restored or lost
    #[command(after_help = "Example: packshot admin adopt-store --config packshot.toml")]
    AdoptStore {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Create an API key; the service may be running
    #[command(
        after_help = "Example: packshot admin create-key --name 'web shop' --scope renders:write --data /srv/packshot"
    )]
    CreateKey {
        /// What the key is for
        #[arg(long, default_value = "made by packshot admin create-key")]
        name: DisplayName,
        /// What it allows, repeatable: AREA:read, or AREA:write, which includes reading, of the areas renders, orders,
        /// catalog, workflows, media, artifacts and notifications; admin allows everything
        #[arg(long = "scope", value_name = "SCOPE", default_value = "admin")]
        scopes: Vec<Scope>,
        /// When it expires: days or hours from now (90d, 12h), a day (2027-01-31) or a time (2027-01-31T10:00:00Z)
        /// [default: never]
        #[arg(long, value_name = "WHEN")]
        expires: Option<Expiry>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// List the API keys with their first characters, scopes, expiry and last use
    #[command(after_help = "Example: packshot admin list-keys --data /srv/packshot")]
    ListKeys {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Revoke an API key; the service may be running
    #[command(after_help = "Example: packshot admin revoke-key pk_1a2B3c4D --data /srv/packshot")]
    RevokeKey {
        /// The key: its first 11 characters, or its id
        #[arg(value_name = "KEY")]
        key: KeyName,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Create a user who signs in with an e-mail address and a password; the service may be running
    #[command(after_help = "Example: packshot admin create-user --email anna@example.com --role tenant_admin")]
    CreateUser {
        /// The e-mail address
        #[arg(long, value_name = "ADDRESS")]
        email: Email,
        /// The name that others see [default: the address]
        #[arg(long, value_name = "NAME")]
        name: Option<DisplayName>,
        /// What the user may do: global_admin, tenant_admin, project_manager or client
        #[arg(long, value_name = "ROLE", default_value = "client")]
        role: Role,
        /// The slug of the tenant [default: the one that runs the installation]
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
        /// A file whose first line is the password [default: a temporary one is printed; it has to be changed at the
        /// first sign-in]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Give a user a temporary password, which has to be changed at the next sign-in; the service may be running
    #[command(after_help = "Example: packshot admin reset-password --email anna@example.com")]
    ResetPassword {
        /// The e-mail address
        #[arg(long, value_name = "ADDRESS")]
        email: Email,
        /// The slug of the tenant, needed if users of several tenants have the address
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Print what an administrator of PostgreSQL has to run so that one database can serve several tenants
    #[command(after_help = "Example: packshot admin migrate --plan --config packshot.toml")]
    Migrate {
        /// Print the SQL that prepares the database for three roles; nothing is changed
        #[arg(long, required = true)]
        plan: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Read every stored file and compare it with its hash; the service may be running
    #[command(after_help = "Example: packshot admin scrub --rate-mb-s 200 --data /srv/packshot")]
    Scrub {
        /// Only the files of the tenant with this slug [default: those of all]
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
        /// Megabytes read per second, at most [default: as fast as it goes]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
        rate_mb_s: Option<u32>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Make a new key for access tokens; the service may be running
    #[command(after_help = "Example: packshot admin rotate-signing-key --revoke")]
    RotateSigningKey {
        /// End all sessions: everyone has to sign in again [default: tokens stay valid until they expire]
        #[arg(long)]
        revoke: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
}

/// Which installation.
#[derive(Args, Debug)]
pub(crate) struct PlaceArgs {
    /// Its data folder [default: the platform's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Its settings file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl PlaceArgs {
    fn settings(&self) -> Result<Settings, Failure> {
        let flags = self.data.iter().map(|data| ("data", "--data", data.clone())).collect();
        settings(flags, self.config.as_deref())
    }
}

pub(crate) fn run(command: &AdminCommand) -> Result<(), Failure> {
    match command {
        AdminCommand::Backup { output, place } => {
            let saved = runtime()?.block_on(admin::backup::backup(&place.settings()?, output))?;
            console::note(&format!("saved {} files, {} bytes: {}", saved.files, saved.size_bytes, output.display()));
        }
        AdminCommand::Restore { backup, place } => {
            let settings = place.settings()?;
            let restored = admin::restore::restore(&settings, backup)?;
            let data = settings.data.display();
            console::note(&format!("restored {} files, {} bytes: {data}", restored.files, restored.size_bytes));
        }
        AdminCommand::AdoptStore { place } => {
            runtime()?.block_on(admin::adopt_store(&place.settings()?))?;
            console::note("the database uses the configured store; any other is refused from now on");
        }
        AdminCommand::CreateKey { name, scopes, expires, place } => {
            let key = runtime()?.block_on(keys::create(&place.settings()?, name.as_str(), scopes.clone(), *expires))?;
            console::note("this key is shown only once; from now on the service needs a key");
            files::print(format!("{}\n", key.reveal()).as_bytes())?;
        }
        AdminCommand::ListKeys { json, place } => {
            let listed = runtime()?.block_on(keys::list(&place.settings()?))?;
            if *json { files::print_json(&page(&listed))? } else { files::print(table(&listed).as_bytes())? }
        }
        AdminCommand::RevokeKey { key, place } => {
            let RevokedKey { key, was_revoked } = runtime()?.block_on(keys::revoke(&place.settings()?, key))?;
            let what = if was_revoked { "was already revoked" } else { "no longer works" };
            console::note(&format!("{} ({}) {what}", key.prefix, one_line(&key.key.name)));
        }
        AdminCommand::CreateUser { email, name, role, tenant, password_file, place } => {
            let password = password_file.as_deref().map(first_line).transpose()?.map(Password::new);
            let (own, display_name, tenant) = (email.clone(), name.clone(), tenant.clone());
            let new = NewAccount { email: own, display_name, role: *role, tenant, password };
            let made = runtime()?.block_on(users::create(&place.settings()?, new))?;
            console::note(&format!("created {email} as {role} in the tenant {}", made.tenant));
            if let Some(shown) = made.temporary_password {
                console::note("this password is shown only once; it has to be changed at the first sign-in");
                files::print(format!("{shown}\n").as_bytes())?;
            }
        }
        AdminCommand::ResetPassword { email, tenant, place } => {
            let reset = runtime()?.block_on(users::reset_password(&place.settings()?, email, tenant.clone()))?;
            if !reset.is_active {
                console::note(&format!("{email} cannot sign in yet: the user or the tenant is deactivated"));
            }
            let shown = reset.temporary_password;
            console::note("this password is shown only once; it has to be changed at the first sign-in");
            files::print(format!("{shown}\n").as_bytes())?;
        }
        AdminCommand::Migrate { plan: _, place } => files::print(migrate::plan(&place.settings()?)?.as_bytes())?,
        AdminCommand::Scrub { tenant, rate_mb_s, json, place } => {
            let scrubbed = runtime()?.block_on(scrub::scrub(&place.settings()?, tenant.clone(), *rate_mb_s))?;
            if *json {
                files::print_json(&scrubbed)?
            } else {
                files::print(report(&scrubbed).as_bytes())?
            }
            let ScrubResult { n_damaged: n_files, missing, corrupt, .. } = scrubbed;
            if missing + corrupt > 0 {
                return Err(AdminError::FilesDamaged { n_files, missing, corrupt }.into());
            }
        }
        AdminCommand::RotateSigningKey { revoke, place } => {
            runtime()?.block_on(users::rotate_signing_key(&place.settings()?, *revoke))?;
            let what = if *revoke { "everyone has to sign in again" } else { "nobody has to sign in again" };
            console::note(&format!("access tokens are signed with a new key; {what}"));
        }
    }
    Ok(())
}

/// What a reading of all files found, for people.
fn report(scrubbed: &ScrubResult) -> String {
    let ScrubResult { objects, bytes, missing, corrupt, healed, damaged, n_damaged, orphans, orphan_bytes } = scrubbed;
    let mut text = format!("{objects} objects, {bytes} bytes: {missing} missing, {corrupt} corrupt\n");
    for DamagedFile { package_id, relative_path, state, content_address, .. } in damaged {
        text += &format!("{state:<8} {} in package {package_id}: {content_address}\n", one_line(relative_path));
    }
    let n_unlisted = n_damaged - damaged.len() as u64;
    if n_unlisted > 0 {
        text += &format!("and {n_unlisted} more files\n");
    }
    if *healed > 0 {
        text += &format!("{healed} objects that were damaged are whole again\n");
    }
    if *orphans > 0 {
        text += &format!(
            "{orphans} objects, {orphan_bytes} bytes, that nothing knows: the service removes them after a day\n"
        );
    }
    text
}

/// The first line of a file with a password.
fn first_line(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|source| AdminError::NotRead { path: path.to_owned(), source })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// All keys in the members of the API.
fn page(listed: &[ListedKey]) -> Value {
    let item = |ListedKey { key, tenant, state }: &ListedKey| {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        json!({
            "id": key.id.to_string(),
            "tenant_id": key.tenant.to_string(),
            "tenant_slug": tenant.as_str(),
            "user_id": key.key.user.to_string(),
            "name": key.key.name,
            "prefix": key.prefix,
            "scopes": key.key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
            "all_tenants": key.key.all_tenants,
            "state": state.as_str(),
            "created_at": key.created_at.to_string(),
            "expires_at": time(key.key.expires_at),
            "last_used_at": time(key.last_used_at),
            "revoked_at": time(key.revoked_at),
            "rate_limit_per_s": key.key.rate_limit_per_s,
        })
    };
    json!({ "items": listed.iter().map(item).collect::<Vec<_>>(), "next_cursor": null })
}

/// A line for each key, below a header line.
fn table(listed: &[ListedKey]) -> String {
    let mut table = String::new();
    let mut line = |[key, state, made, ends, used, scopes, tenant]: [&str; 7], name: &str| {
        let cells = format!("{key:<12} {state:<8} {made:<17} {ends:<17} {used:<17} {scopes:<14} {tenant:<14} {name}");
        table += cells.trim_end();
        table.push('\n');
    };
    line(["KEY", "STATE", "CREATED", "EXPIRES", "LAST USED", "SCOPES", "TENANT"], "NAME");
    for ListedKey { key, tenant, state } in listed {
        let scopes: Vec<&str> = key.key.scopes.iter().map(|scope| scope.as_str()).collect();
        let [made, ends, used] = [Some(key.created_at), key.key.expires_at, key.last_used_at].map(to_the_minute);
        let cells = [&*key.prefix, state.as_str(), &*made, &*ends, &*used, &*scopes.join(","), tenant.as_str()];
        line(cells, &one_line(&key.key.name));
    }
    table
}

/// A time in UTC, or `never`.
fn to_the_minute(time: Option<Timestamp>) -> String {
    let text = time.map(|time| time.to_string());
    text.and_then(|text| text.get(..16).map(|minutes| format!("{minutes}Z"))).unwrap_or_else(|| "never".to_owned())
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        let exit = match () {
            () if error.is_of_settings() => Exit::Usage,
            () if error.is_damage() => Exit::Differs,
            () if error.is_input() => Exit::Input,
            () => Exit::Output,
        };
        Self::new(exit, error.fault())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_of_create_key_names_every_scope() {
        let mut admin = AdminCommand::augment_subcommands(clap::Command::new("admin"));
        let create = admin.find_subcommand_mut("create-key").expect("a command");
        let help = create.render_long_help().to_string();
        let words: Vec<&str> = help.split(|c: char| !c.is_ascii_alphabetic()).collect();
        for scope in Scope::ALL.iter() {
            let area = scope.as_str().split(':').next().expect("an area");
            assert!(words.contains(&area), "{area}: {help}");
        }
    }
}
