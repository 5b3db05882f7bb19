//! What is wrong with settings.

use std::fmt;

use packshot_pipeline::error::Fault;

/// Settings that cannot be used: everything that is wrong with them, at least one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Each with a code `config.…`, a place (option, variable, or file with line and key) and a way out.
    pub faults: Vec<Fault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl From<Fault> for ConfigError {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault] }
    }
}
