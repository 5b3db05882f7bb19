//! The sources of settings, as text that is not checked yet.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use packshot_pipeline::error::Fault;
use packshot_words::why_unread;

use super::ConfigError;

/// The most bytes of a settings file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The three sources of settings.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Options of the command line: the setting's key, the option as typed (`--listen`), its value.
    pub flags: Vec<(&'static str, &'static str, String)>,
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// The settings file: its path and its text.
    pub file: Option<(PathBuf, String)>,
}

impl Sources {
    /// The sources of this process: `flags`, its environment, and the file at `path`, else at `PACKSHOT_CONFIG`.
    ///
    /// # Errors
    /// `config.unreadable` when the file cannot be read or is not text.
    pub fn of_process(
        flags: Vec<(&'static str, &'static str, String)>,
        path: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        // A variable that is not Unicode is not one of ours.
        let variables: BTreeMap<_, _> =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
        let path = path.map(Path::to_owned).or_else(|| variables.get("PACKSHOT_CONFIG").map(PathBuf::from));
        let file = path.map(|path| read(&path).map(|text| (path, text))).transpose()?;
        Ok(Self { flags, variables, file })
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let refused = |message: String| {
        let fault = Fault::new("config.unreadable", message).at(path.display().to_string());
        ConfigError::from(fault.help("name a readable TOML file with --config or PACKSHOT_CONFIG"))
    };
    let unreadable =
        |reason: std::io::Error| refused(format!("the settings file cannot be read: {}", why_unread(&reason)));
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.len() > FILE_BYTES_MAX {
        let size = metadata.len();
        return Err(refused(format!("the settings file has {size} bytes, but at most {FILE_BYTES_MAX} are allowed")));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Where one value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Flag(&'static str),
    Variable(String),
    File { path: PathBuf, line: usize, key: String },
    Default,
}

impl Origin {
    /// The kind of source; `None` for a default.
    pub(super) const fn source(&self) -> Option<&'static str> {
        match self {
            Self::Flag(_) => Some("command_line"),
            Self::Variable(_) => Some("environment"),
            Self::File { .. } => Some("file"),
            Self::Default => None,
        }
    }

    /// The place, in the middle of a sentence; `None` for a default.
    pub(super) fn place(&self) -> Option<String> {
        match self {
            Self::Flag(flag) => Some(format!("the option `{flag}`")),
            Self::Variable(name) => Some(format!("the variable `{name}`")),
            Self::File { path, line, .. } => Some(format!("line {line} of {}", path.display())),
            Self::Default => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line, key } => write!(f, "{}:{line} ({key})", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The platform's folder for the data of programs, by the XDG Base Directory Specification or its counterparts on other
/// systems. `None` when the environment does not say where the user's home is.
pub(super) fn default_data_folder(variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    let folder = |name| variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return Some(folder("LOCALAPPDATA")?.join("packshot"));
    }
    let below_home = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    let base = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(below_home)))?;
    Some(base.join("packshot"))
}
