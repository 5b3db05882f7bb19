//! Parses and validates composed WGSL, with naga's errors located in the files.

use std::error::Error;

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, Span};

use crate::compose::{self, Composed};
use crate::error::{Label, ShaderError};
use crate::sources::Sources;

/// What shaders may use beyond plain WGSL: immediates for dispatch parameters (a native wgpu feature that every adapter
/// we run on has), and half floats packed into integers (`pack2x16float`), which every compute-capable adapter has.
pub const CAPABILITIES: Capabilities = Capabilities::IMMEDIATES.union(Capabilities::SHADER_FLOAT16_IN_FLOAT32);

/// A composed text with its valid module.
#[derive(Clone, Debug)]
pub struct Validated {
    /// The text, which knows its files.
    pub composed: Composed,
    /// naga's intermediate representation.
    pub module: Module,
    /// naga's analysis of `module`: the types of expressions, the globals that each function uses.
    pub info: ModuleInfo,
}

impl Validated {
    /// The location in the files of a span of `module`.
    pub fn place(&self, span: Span) -> Option<crate::error::SourceSpan> {
        span.to_range().map(|range| self.composed.place(range))
    }
}

/// Composes, parses and validates the file at `root`.
///
/// # Errors
/// The first error of the imports, the syntax or the types, with its location.
pub fn load(sources: &Sources<'_>, root: &str) -> Result<Validated, Box<ShaderError>> {
    validate(compose::compose(sources, root)?)
}

/// Parses and validates a composed text, which may use [`CAPABILITIES`].
///
/// # Errors
/// The first error that naga finds, located in the file it comes from.
pub fn validate(composed: Composed) -> Result<Validated, Box<ShaderError>> {
    validate_with(composed, CAPABILITIES)
}

/// [`validate`] with other capabilities.
///
/// # Errors
/// As [`validate`].
pub fn validate_with(composed: Composed, capabilities: Capabilities) -> Result<Validated, Box<ShaderError>> {
    let labels = |spans: &mut dyn Iterator<Item = (Span, String)>| -> Vec<Label> {
        let ranges = spans.filter_map(|(span, text)| Some((span.to_range()?, text)));
        ranges.map(|(range, text)| Label { place: composed.place(range), text }).collect()
    };
    let options = naga::front::wgsl::Options { parse_doc_comments: false, capabilities };
    let module =
        naga::front::wgsl::Frontend::new_with_options(options).parse(composed.text()).map_err(|error| ShaderError {
            message: error.message().to_owned(),
            labels: labels(&mut error.labels().map(|(span, text)| (span, text.to_owned()))),
            notes: error.notes().map(str::to_owned).collect(),
        })?;
    let validated = Validator::new(ValidationFlags::all(), capabilities).validate(&module);
    let info = validated.map_err(|error| {
        // The chain of causes says what is wrong, from the outside in. naga's label texts name its own arenas, which
        // means nothing to the author of a shader; of the spans the shortest is closest to the fault.
        let mut notes = Vec::new();
        let mut cause: Option<&dyn Error> = error.as_inner().source();
        while let Some(inner) = cause {
            notes.push(inner.to_string());
            cause = inner.source();
        }
        let mut spans: Vec<Span> = error.spans().map(|(span, _)| *span).collect();
        spans.sort_by_key(|span| span.to_range().map(|range| (range.len(), range.start)));
        spans.dedup();
        let labels = labels(&mut spans.into_iter().map(|span| (span, String::new())));
        ShaderError { message: error.as_inner().to_string(), labels, notes }
    })?;
    Ok(Validated { composed, module, info })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::{CPU_MODULE, kernels};

    #[test]
    fn every_kernel_and_the_cpu_module_are_valid() {
        let sources = Sources::embedded();
        let errors: Vec<String> = kernels()
            .chain([CPU_MODULE])
            .filter_map(|root| load(&sources, root).err().map(|error| format!("{root}: {error}")))
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n\n"));
    }

    #[test]
    fn a_kernel_has_one_entry_point_and_the_cpu_module_none() {
        let sources = Sources::embedded();
        for kernel in kernels() {
            let module = load(&sources, kernel).expect("valid").module;
            assert_eq!(module.entry_points.len(), 1, "{kernel}");
        }
        assert_eq!(load(&sources, CPU_MODULE).expect("valid").module.entry_points.len(), 0);
    }

    fn message(files: &[(&str, &str)]) -> String {
        load(&files.iter().copied().collect(), files[0].0).expect_err("an error").to_string()
    }

    #[test]
    fn syntax_errors_point_into_the_imported_file() {
        let message = message(&[
            ("root", "#import lib/a\nfn g() -> f32 { return f(); }\n"),
            ("lib/a", "// comment\nfn f() -> f32 {\n    return 1.0 +;\n}\n"),
        ]);
        assert!(message.starts_with("lib/a.wgsl:3:17: expected"), "{message}");
        assert!(message.contains("\n  3 |     return 1.0 +;\n    |                 ^"), "{message}");
    }

    #[test]
    fn type_errors_point_into_the_imported_file() {
        let message = message(&[
            ("root", "#import lib/a\nfn g() -> f32 { return f(1.0); }\n"),
            ("lib/a", "\n\nfn f(x: f32) -> u32 {\n    return x + 1.0;\n}\n"),
        ]);
        assert!(message.starts_with("lib/a.wgsl:4:12: Function [0] 'f' is invalid"), "{message}");
        assert!(message.contains("return x + 1.0;"), "{message}");
        assert!(message.contains("note: The `return` expression"), "{message}");
    }

    #[test]
    fn undeclared_names_point_at_their_use() {
        let message = message(&[("root", "fn f() -> f32 {\n    return speed_of_light;\n}\n")]);
        assert!(message.starts_with("root.wgsl:2:12: no definition in scope"), "{message}");
        assert!(message.contains("speed_of_light"), "{message}");
    }
}
