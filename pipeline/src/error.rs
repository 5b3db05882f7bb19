//! What can go wrong on the way from a file to a picture.
//!
//! One error type for all stages. It has the kind of failure, on which programs act, and lists every fault with a
//! stable code, a place and a way out, on which people act.

use std::fmt;

use packshot_materials::finding::{Finding, Rejected, Severity};
use packshot_materials::name::one_line;
use packshot_renderer::backend::RenderError;
use packshot_renderer::backend::device::DeviceError;
use packshot_renderer::diagnostic::option_of_place;
use packshot_renderer::encode::EncodeError;
use packshot_renderer::import::{ImportError, ImportErrorCode};
use packshot_renderer::prepare::PrepareError;
use packshot_renderer::shot::error::{ErrorCode as ShotErrorCode, ShotError};
use packshot_traversal::AccelError;

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What is wrong, at least one.
    pub faults: Vec<Fault>,
}

/// The kinds of failure that a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A file, map, library, shot or environment is invalid, or lacks what was requested of it: a variant, an
    /// animation, a camera.
    Input,
    /// The request contradicts itself.
    Request,
    /// Parts have no material, and the request does not accept that.
    Unmapped,
    /// The requested device is not available, or it failed.
    Device,
    /// The render was cancelled.
    Cancelled,
    /// A bug in Packshot.
    Internal,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable code, such as `glb.truncated`.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// Where: a JSON pointer, `byte 12`, a part, a file with a line. Empty where there is no place.
    pub at: String,
    /// What to do about it. Empty where the message says it all.
    pub help: String,
}

impl Fault {
    /// A fault without place and help.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), at: String::new(), help: String::new() }
    }

    /// The same with a place.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = at.into();
        self
    }

    /// The same with a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

impl fmt::Display for Fault {
    /// `error[code]: message`, then a line each for the place and the way out. Names from files stay on their line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, one_line(&self.message))?;
        if !self.at.is_empty() {
            write!(f, "\n  at: {}", one_line(&self.at))?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", one_line(&self.help))?;
        }
        Ok(())
    }
}

impl Error {
    /// An error with one fault.
    pub fn new(kind: ErrorKind, fault: Fault) -> Self {
        Self { kind, faults: vec![fault] }
    }

    /// The code of the first fault.
    pub fn code(&self) -> &str {
        self.faults.first().map_or("", |fault| &fault.code)
    }
}

impl fmt::Display for Error {
    /// Every fault, one after the other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        if error.code() == ImportErrorCode::Cancelled {
            return Self::cancelled();
        }
        Self::new(
            ErrorKind::Input,
            Fault::new(error.code().as_str(), error.message()).at(error.at()).help(error.help()),
        )
    }
}

impl From<ShotError> for Error {
    fn from(error: ShotError) -> Self {
        // A place at an option is not a fault of a file, unless the file lacks what the option refers to.
        let is_option = matches!(error.code, ShotErrorCode::Range | ShotErrorCode::Conflict)
            && option_of_place(&error.at).is_some();
        let kind = if is_option { ErrorKind::Request } else { ErrorKind::Input };
        Self::new(kind, Fault::new(error.code.name(), error.message).at(error.at).help(error.help))
    }
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        let errors = rejected.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
        Self { kind: ErrorKind::Input, faults: errors.map(Fault::from).collect() }
    }
}

impl From<Finding> for Fault {
    fn from(finding: Finding) -> Self {
        Self::new(finding.code, finding.message).at(finding.at).help(finding.help.unwrap_or_default())
    }
}

impl From<PrepareError> for Error {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Empty => {
                let help = "export at least one solid or surface as triangles";
                Self::new(ErrorKind::Input, Fault::new("glb.empty", error.to_string()).at("/").help(help))
            }
            PrepareError::Cancelled => Self::cancelled(),
            PrepareError::Texture(reason) => {
                let help = "restore the picture in the material's library, or use another material";
                Self::new(ErrorKind::Input, Fault::new("library.texture", reason.to_string()).help(help))
            }
            PrepareError::Accel(reason) => Self::from(reason),
        }
    }
}

impl From<AccelError> for Error {
    fn from(error: AccelError) -> Self {
        let message = error.to_string();
        match error {
            AccelError::Cancelled => Self::cancelled(),
            AccelError::TooManyTriangles | AccelError::TooManyInstances => Self::new(
                ErrorKind::Input,
                Fault::new("glb.limit", message).at("/").help("reduce the number of triangles or parts"),
            ),
            AccelError::MeshOutOfRange { .. } => Self::new(ErrorKind::Internal, Fault::new("internal", message)),
        }
    }
}

impl From<RenderError> for Error {
    fn from(error: RenderError) -> Self {
        let message = error.to_string();
        match error {
            RenderError::Cancelled => Self::cancelled(),
            RenderError::DeviceOutOfMemory { .. } => {
                let help = "choose another device (`cpu`), a smaller picture, or a product with fewer triangles";
                Self::new(ErrorKind::Device, Fault::new("device.out_of_memory", message).help(help))
            }
            RenderError::DeviceLost(_) => {
                let help = "render again, or choose another device (`cpu`)";
                Self::new(ErrorKind::Device, Fault::new("device.lost", message).help(help))
            }
        }
    }
}

impl From<DeviceError> for Error {
    fn from(error: DeviceError) -> Self {
        Self::new(ErrorKind::Device, Fault::new(DeviceError::CODE, error.message).help(error.help))
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        // A size or a rate that a format does not accept is a fault of the request; failing to write what the format
        // accepts is our fault.
        let kind = if error.is_refusal() { ErrorKind::Request } else { ErrorKind::Internal };
        Self::new(kind, Fault::new(error.code(), error.to_string()).at(error.at()).help(error.help()))
    }
}

impl Error {
    /// The cancel token was set.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, Fault::new("cancelled", "cancelled before it was finished"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_print_only_what_they_have() {
        let fault = Fault::new("glb.header", "no GLB");
        assert_eq!(fault.to_string(), "error[glb.header]: no GLB");
        let fault = fault.at("byte 0").help("give a GLB");
        assert_eq!(fault.to_string(), "error[glb.header]: no GLB\n  at: byte 0\n  help: give a GLB");
        let error = Error { kind: ErrorKind::Input, faults: vec![fault.clone(), fault] };
        assert_eq!(error.to_string().lines().count(), 6);
        assert_eq!(error.code(), "glb.header");
    }

    #[test]
    fn only_errors_of_a_rejected_input_are_faults() {
        let warning = Finding::new(Severity::Warning, "library.albedo", "a.toml:3", "dark");
        let error = Finding::new(Severity::Error, "library.range", "a.toml:5", "too large").with_help("use 1");
        let error = Error::from(Rejected { findings: vec![warning, error] });
        assert_eq!(error.kind, ErrorKind::Input);
        assert_eq!(error.to_string(), "error[library.range]: too large\n  at: a.toml:5\n  help: use 1");
    }
}
