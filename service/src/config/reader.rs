//! Reads one setting after the other from the sources, and collects what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use packshot_pipeline::error::Fault;
use serde::Serialize;

use super::source::{Origin, Sources};
use super::value::{self, Given, Value};
use super::{ConfigError, InEffect, example, file};

/// Other names of settings, in files and (in upper case with `PACKSHOT_`) in the environment.
const ALIASES: [(&str, &str); 3] =
    [("cycles_device", "render_device"), ("device", "render_device"), ("blender_cycles_samples", "render_samples")];
/// Variables that are known by other names than `PACKSHOT_` and the key.
const VARIABLES: [(&str, &str); 5] = [
    ("DATABASE_URL", "database_url"),
    ("DATABASE_BYPASS_URL", "database_bypass_url"),
    ("DATABASE_OWNER_URL", "database_owner_url"),
    ("AWS_ACCESS_KEY_ID", "store.access_key_id"),
    ("AWS_SECRET_ACCESS_KEY", "store.secret_access_key"),
];
/// Variables of other commands, which are not misspelt.
const FOREIGN: [&str; 4] = ["PACKSHOT_CONFIG", "PACKSHOT_URL", "PACKSHOT_KEY", "PACKSHOT_SHARED"];
/// Settings that name programs to run: those may be named by whoever can write the settings file, and nobody else.
const ONLY_IN_FILE: [&str; 2] = ["legacy_executors", "cad_converter"];
/// Maximum typing errors between a name and its suggestion (Damerau-Levenshtein distance).
const ERRORS_MAX: usize = 2;

/// A pass over the sources.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    file: BTreeMap<String, Given>,
    known: BTreeSet<&'static str>,
    in_effect: InEffect,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let mut values = BTreeMap::new();
        if let Some((path, text)) = &sources.file {
            for (key, given) in file::parse(path, text)? {
                let key = ALIASES.iter().find(|(alias, _)| *alias == key).map_or(key, |(_, name)| (*name).to_owned());
                let at = given.origin.to_string();
                if let Some(other) = values.insert(key.clone(), given) {
                    let message = format!("`{key}` is set twice: the other place is {}", other.origin);
                    faults.push(Fault::new("config.conflict", message).at(at).help("keep one of the two"));
                }
            }
        }
        Ok(Self { sources, file: values, known: BTreeSet::new(), in_effect: InEffect::default(), faults })
    }

    /// A setting with a default.
    pub(super) fn read<T: Serialize>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Given) -> Result<T, String>,
        default: T,
    ) -> T {
        match self.take(key, parse) {
            Some((value, origin)) => self.keep(key, value, origin),
            None => self.keep(key, default, Origin::Default),
        }
    }

    /// A setting whose default may be missing; that is a fault.
    pub(super) fn read_or<T: Serialize>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Given) -> Result<T, String>,
        default: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        if let Some((value, origin)) = self.take(key, parse) {
            return Some(self.keep(key, value, origin));
        }
        match default() {
            Some(value) => Some(self.keep(key, value, Origin::Default)),
            None => {
                let fault = Fault::new(
                    "config.missing",
                    format!("`{key}` has no default, because there is no home folder (HOME is not set)"),
                )
                .at(key);
                let variable = example::of(key, &Origin::Variable(variable(key)));
                self.faults.push(fault.help(format!("set it, as in `{variable}`, or with --{key}")));
                None
            }
        }
    }

    /// A setting without a default.
    pub(super) fn read_optional<T: Serialize>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Given) -> Result<T, String>,
    ) -> Option<T> {
        match self.take(key, parse) {
            Some((value, origin)) => Some(self.keep(key, value, origin)),
            None => {
                self.in_effect.push(key, None, Origin::Default);
                None
            }
        }
    }

    /// A time in whole seconds.
    pub(super) fn read_seconds(&mut self, key: &'static str, range: RangeInclusive<i64>, default: u64) -> Duration {
        Duration::from_secs(self.read(key, value::whole::<u64>(range), default))
    }

    /// Whether any source has the setting.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Records a fault of a setting.
    pub(super) fn fault(&mut self, key: &'static str, code: &str, message: String, help: &str) {
        let at = self.find(key).map_or_else(|| key.to_owned(), |given| given.origin.to_string());
        self.faults.push(Fault::new(format!("config.{code}"), message).at(at).help(help));
    }

    /// How many faults there are so far.
    pub(super) fn n_faults(&self) -> usize {
        self.faults.len()
    }

    /// The settings in effect, and warnings, once every setting has been read.
    pub(super) fn finish(mut self) -> Result<(InEffect, Vec<String>), ConfigError> {
        self.refuse_unknown_keys();
        self.refuse_programs_outside_the_file();
        let warnings = self.misspelt_variables();
        if self.faults.is_empty() { Ok((self.in_effect, warnings)) } else { Err(ConfigError { faults: self.faults }) }
    }

    fn take<T>(&mut self, key: &'static str, parse: impl Fn(&Given) -> Result<T, String>) -> Option<(T, Origin)> {
        self.known.insert(key);
        let given = self.find(key)?;
        match parse(&given) {
            Ok(value) => Some((value, given.origin)),
            Err(message) => {
                let fault = Fault::new("config.invalid_value", format!("`{key}`: {message}"));
                let help = format!("set it as in `{}`", example::of(key, &given.origin));
                self.faults.push(fault.at(given.origin.to_string()).help(help));
                None
            }
        }
    }

    fn keep<T: Serialize>(&mut self, key: &'static str, value: T, origin: Origin) -> T {
        self.in_effect.push(key, toml::Value::try_from(&value).ok(), origin);
        value
    }

    /// The value of the source that comes first.
    fn find(&self, key: &str) -> Option<Given> {
        if ONLY_IN_FILE.contains(&key) {
            return self.file.get(key).cloned();
        }
        if let Some((_, flag, text)) = self.sources.flags.iter().find(|(of, ..)| *of == key) {
            return Some(Given { value: Value::Text(text.clone()), origin: Origin::Flag(flag) });
        }
        let aliases = ALIASES.iter().filter(|(_, name)| *name == key).map(|(alias, _)| variable(alias));
        let foreign = VARIABLES.iter().filter(|(_, of)| *of == key).map(|(name, _)| (*name).to_owned());
        let mut names = std::iter::once(variable(key)).chain(aliases).chain(foreign);
        let from_variable = names.find_map(|name| {
            // An empty variable counts as not set, as with most programs.
            let text = self.sources.variables.get(&name).filter(|text| !text.is_empty())?;
            Some(Given { value: Value::Text(text.clone()), origin: Origin::Variable(name) })
        });
        from_variable.or_else(|| self.file.get(key).cloned())
    }

    fn refuse_programs_outside_the_file(&mut self) {
        for key in ONLY_IN_FILE {
            let name = variable(key);
            if self.sources.variables.get(&name).is_some_and(|text| !text.is_empty()) {
                let message = format!("`{key}` is read from the settings file only");
                let help = format!("unset it, and set `{}` in the file", example::of(key, &Origin::Default));
                self.faults.push(Fault::new("config.invalid_value", message).at(name).help(help));
            }
        }
    }

    fn refuse_unknown_keys(&mut self) {
        for (key, given) in &self.file {
            if self.known.contains(key.as_str()) {
                continue;
            }
            let help = match closest(key, self.known.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "remove it; `packshot serve --check-config` lists all settings".to_owned(),
            };
            let fault = Fault::new("config.unknown_setting", format!("there is no setting `{key}`"));
            self.faults.push(fault.at(given.origin.to_string()).help(help));
        }
    }

    /// Variables that look like settings but are not. An environment may hold others (Kubernetes sets `PACKSHOT_PORT`
    /// for a service of this name), so these are only warnings.
    fn misspelt_variables(&self) -> Vec<String> {
        let aliases = ALIASES.iter().map(|(alias, _)| variable(alias));
        let names: BTreeSet<String> = self.known.iter().map(|key| variable(key)).chain(aliases).collect();
        let ours = self.sources.variables.keys().filter(|name| name.starts_with("PACKSHOT_"));
        let unknown = ours.filter(|name| !names.contains(*name) && !FOREIGN.contains(&name.as_str()));
        let warning = |name: &String| {
            let known = closest(name, names.iter().map(String::as_str))?;
            Some(format!("the variable {name} is not a setting; did you mean {known}?"))
        };
        unknown.filter_map(warning).collect()
    }
}

/// The variable of a setting: `PACKSHOT_STORE_BUCKET` for `store.bucket`.
fn variable(key: &str) -> String {
    format!("PACKSHOT_{}", key.replace('.', "_").to_ascii_uppercase())
}

fn closest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let scored = known.map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    scored.min().filter(|(errors, _)| *errors <= ERRORS_MAX).map(|(_, candidate)| candidate)
}
