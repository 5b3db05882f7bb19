//! Which extensions a file names, requires and uses, against those that are supported.

use std::borrow::Cow;
use std::collections::HashSet;

use super::ImportErrorCode as Code;
use super::error::{ImportError, quoted};
use super::findings::Findings;
use super::json::Value;
use super::member::Member;
use super::pointer::{Step, pointer};
use super::{materials, meshopt};
use crate::diagnostic::Severity;

/// What the importer understands in full, beside [`materials::EXTENSIONS`] and [`meshopt::EXTENSIONS`].
const SUPPORTED: [&str; 8] = [
    "EXT_mesh_gpu_instancing",
    "EXT_texture_webp",
    "KHR_draco_mesh_compression",
    "KHR_lights_punctual",
    "KHR_materials_variants",
    "KHR_mesh_quantization",
    "KHR_node_visibility",
    "KHR_texture_basisu",
];

fn is_supported(name: &str) -> bool {
    [&SUPPORTED[..], &materials::EXTENSIONS, &meshopt::EXTENSIONS].iter().any(|names| names.contains(&name))
}

/// The extensions that a file names.
pub(super) struct Extensions<'d> {
    declared: HashSet<&'d str>,
}

impl<'d> Extensions<'d> {
    /// Whether the file lists the extension as used or as required.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.declared.contains(name)
    }

    /// Reads the lists, and searches the whole document for extensions that they lack.
    pub(super) fn read(
        root: &Member<'_, 'd>,
        document: &'d Value<'d>,
        findings: &mut Findings,
    ) -> Result<Self, ImportError> {
        let used = root.texts("extensionsUsed")?;
        let required = root.texts("extensionsRequired")?;
        for (at, name) in required.iter().enumerate() {
            if !is_supported(name) {
                let at = first_primitive_using(document, name).unwrap_or_else(|| format!("/extensionsRequired/{at}"));
                let message = format!("the file requires {}, which is not supported", quoted(name));
                return Err(ImportError::new(Code::Extension, at, message));
            }
            if !used.contains(name) {
                let message = format!("{name} is listed in extensionsRequired but not in extensionsUsed");
                findings.add("extension_not_declared", Severity::Info, format!("/extensionsRequired/{at}"), message);
            }
        }
        for (at, name) in used.iter().enumerate() {
            if !is_supported(name) {
                let message = format!("{} is not supported and is ignored", quoted(name));
                findings.add("unsupported_extension", Severity::Warning, format!("/extensionsUsed/{at}"), message);
            }
        }
        let declared = used.into_iter().chain(required).collect();
        let mut walk = Walk { declared: &declared, reported: HashSet::new(), path: Vec::new(), findings };
        walk.visit(document);
        Ok(Self { declared })
    }
}

/// The place of the first primitive that carries the extension: its geometry cannot be read without it.
fn first_primitive_using(document: &Value<'_>, name: &str) -> Option<String> {
    let Some(Value::Array(meshes)) = document.get("meshes") else { return None };
    meshes.iter().enumerate().find_map(|(mesh_idx, mesh)| {
        let Some(Value::Array(primitives)) = mesh.get("primitives") else { return None };
        let uses = |primitive: &Value<'_>| primitive.get("extensions").is_some_and(|all| all.get(name).is_some());
        let primitive_idx = primitives.iter().position(uses)?;
        let steps = [Step::Name(Cow::Borrowed(name))];
        Some(format!("/meshes/{mesh_idx}/primitives/{primitive_idx}/extensions{}", pointer(&steps)))
    })
}

/// Looks for extensions that are used without being listed. Recursion is as deep as the JSON reader allows.
struct Walk<'w, 'd> {
    declared: &'w HashSet<&'d str>,
    reported: HashSet<&'d str>,
    path: Vec<Step<'d>>,
    findings: &'w mut Findings,
}

impl<'d> Walk<'_, 'd> {
    fn visit(&mut self, value: &'d Value<'d>) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if matches!(item, Value::Array(_) | Value::Object(_)) {
                        self.step(Step::Index(index), |walk| walk.visit(item));
                    }
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    // The content of extras belongs to the application.
                    if name != "extras" && matches!(member, Value::Array(_) | Value::Object(_)) {
                        self.step(Step::Name(Cow::Borrowed(name)), |walk| {
                            if name == "extensions" {
                                walk.check(member);
                            }
                            walk.visit(member);
                        });
                    }
                }
            }
            _ => {}
        }
    }

    fn step(&mut self, step: Step<'d>, inside: impl FnOnce(&mut Self)) {
        self.path.push(step);
        inside(self);
        self.path.pop();
    }

    fn check(&mut self, extensions: &'d Value<'d>) {
        let Value::Object(members) = extensions else { return };
        for (name, _) in members {
            if !self.declared.contains(name.as_ref()) && self.reported.insert(name.as_ref()) {
                self.path.push(Step::Name(Cow::Borrowed(name)));
                let fate = if is_supported(name) { "applied" } else { "not supported and ignored" };
                let message = format!("{} is used but not listed in extensionsUsed; it is {fate}", quoted(name));
                self.findings.add("extension_not_declared", Severity::Info, pointer(&self.path), message);
                self.path.pop();
            }
        }
    }
}
