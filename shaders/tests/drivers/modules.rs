//! Kernels as a device gets them: with constants for their overrides.

use naga::back::{PipelineConstants, pipeline_constants::process_overrides};
use naga::ir::ShaderStage;
use naga::valid::ModuleInfo;
use naga::{Module, TypeInner};
use packshot_shaders::sources::{Sources, kernels};
use packshot_shaders::validate::{Validated, load};

/// A valid kernel and the names of what is decided when it is compiled.
pub(crate) struct Kernel {
    pub(crate) name: &'static str,
    pub(crate) valid: Validated,
    overrides: Vec<String>,
}

impl Kernel {
    /// All there are.
    pub(crate) fn all() -> Vec<Self> {
        let sources = Sources::embedded();
        let kernel = |name| {
            let valid = load(&sources, name).unwrap_or_else(|error| panic!("{name}: {error}"));
            Self { name, overrides: switches(&valid.module), valid }
        };
        kernels().map(kernel).collect()
    }

    pub(crate) fn entry_point(&self) -> &str {
        &self.valid.module.entry_points[0].name
    }

    /// Sets of constants: bit `i` is switch `i`. Those in which at most one switch is unlike the others; with
    /// PACKSHOT_EVERY_SET, as scripts/soak has it, all there are.
    pub(crate) fn sets(&self) -> Vec<u32> {
        let n = self.overrides.len() as u32;
        let is_every = std::env::var_os("PACKSHOT_EVERY_SET").is_some();
        (0..1 << n).filter(|set: &u32| is_every || set.count_ones() <= 1 || set.count_ones() + 1 >= n).collect()
    }

    /// The kernel with switch `i` on where bit `i` of `set` is.
    pub(crate) fn with<T>(&self, set: u32, make: impl FnOnce(&Module, &ModuleInfo) -> T) -> T {
        let is_on = |i: usize| f64::from(set >> i & 1);
        let constants: PipelineConstants = self.overrides.iter().cloned().zip((0..).map(is_on)).collect();
        let entry_point = Some((ShaderStage::Compute, self.entry_point()));
        let decided = process_overrides(&self.valid.module, &self.valid.info, entry_point, &constants);
        let (module, info) = decided.unwrap_or_else(|error| panic!("{}, set {set:#b}: {error}", self.name));
        make(&module, &info)
    }
}

/// The overrides, all of them switches.
fn switches(module: &Module) -> Vec<String> {
    let name = |o: &naga::Override| {
        let is_switch = matches!(module.types[o.ty].inner, TypeInner::Scalar(scalar) if scalar == naga::Scalar::BOOL);
        let name = o.name.clone().expect("an override has a name");
        assert!(is_switch, "{name} is no switch: this test must learn which values it can have");
        name
    };
    module.overrides.iter().map(|(_, o)| name(o)).collect()
}
