//! Translates a WGSL module to Rust source, from naga's intermediate representation.
//!
//! Functions become functions, structs their layout twins or `#[repr(C)]` structs, vectors and matrices glam's, and
//! read-only buffers the fields of a struct `Bindings` that is passed to the functions that need it. Expressions keep
//! WGSL's semantics, through a runtime module whose path the caller gives. Entry points are left out; writes to
//! buffers, atomics, barriers, workgroup memory, textures and samplers cannot be translated and are refused with their
//! location.
//!
//! The functions are emitted once for each [`InstructionSet`], as modules of safe Rust. `mul_add` is never emitted, so
//! all of them give the same bits.

mod analysis;
mod items;
mod lanes;
mod names;
mod scalar;
pub(crate) mod types;
mod walk;

use naga::{AddressSpace, Function, GlobalVariable, Handle, Span, StorageAccess};

use crate::error::ShaderError;
use crate::layout::Twin;
use crate::validate::Validated;

type Error = Box<ShaderError>;
type Result<T> = std::result::Result<T, Error>;

/// A set of processor features that the functions are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// The baseline of the target. The module is named `baseline`.
    Baseline,
    /// x86-64-v3: 8 lanes. The module is named `avx2`.
    Avx2,
    /// x86-64-v4: 16 lanes. The module is named `avx512`.
    Avx512,
}

impl InstructionSet {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Baseline, Self::Avx2, Self::Avx512];

    /// The name of the generated module.
    pub fn module(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// How many paths its functions in lanes handle at a time; `None` if it has none.
    pub fn n_lanes(self) -> Option<usize> {
        match self {
            Self::Baseline => None,
            Self::Avx2 => Some(8),
            Self::Avx512 => Some(16),
        }
    }

    /// The features as `#[target_feature]` names them; none for the baseline.
    pub fn features(self) -> Option<&'static str> {
        match self {
            Self::Baseline => None,
            Self::Avx2 => Some("avx2,fma,bmi1,bmi2,lzcnt,popcnt"),
            Self::Avx512 => Some("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt"),
        }
    }
}

/// How to translate.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Path of the runtime module in generated code: `crate::rt`.
    pub runtime: &'a str,
    /// The Rust structs to use for WGSL structs of the same name.
    pub twins: &'a [Twin],
    /// Functions that are called from outside, and not inlined there.
    pub exports: &'a [&'a str],
    /// The modules to emit.
    pub instruction_sets: &'a [InstructionSet],
    /// Functions that are also emitted in lanes, with all that they call.
    pub in_lanes: &'a [&'a str],
    /// Further modules of functions in lanes.
    pub variants: &'a [VariantModule<'a>],
}

/// Functions in lanes for which overrides have other values than their defaults. The module is named after the
/// instruction set and the variant: `avx512_plain`; its structs are those of `avx512_lanes`.
#[derive(Clone, Copy, Debug)]
pub struct VariantModule<'a> {
    /// Its name in that of the module.
    pub name: &'a str,
    /// Overrides and their values.
    pub overrides: &'a [(&'a str, bool)],
    /// Functions of [`Options::in_lanes`].
    pub functions: &'a [&'a str],
}

/// Translates every function of `shader` to Rust source.
///
/// # Errors
/// When a function uses something that cannot be translated, when a struct differs from its twin, or when a function of
/// [`Options::exports`], [`Options::in_lanes`] or a variant does not exist, or an override of a variant.
pub fn translate(shader: &Validated, options: &Options<'_>) -> Result<String> {
    if let Some(error) = crate::layout::check::mismatches(shader, options.twins).into_iter().next() {
        return Err(Box::new(error));
    }
    let context = Context::new(shader, options, &[])?;
    let variants = options.variants.iter().map(|variant| Context::new(shader, options, variant.overrides));
    let variants: Vec<_> = variants.collect::<Result<_>>()?;
    // Functions first, so that what they cannot use is refused where they use it.
    let functions: Vec<String> =
        context.functions().map(|handle| scalar::function(&context, handle)).collect::<Result<_>>()?;
    let mut source = items::header(&context);
    source.push_str(&items::structs(&context)?);
    source.push_str(&items::bindings(&context)?);
    source.push_str(&items::constants(&context)?);
    for &set in options.instruction_sets {
        source.push_str(&items::module(set, &functions));
        if let (Some(n_lanes), false) = (set.n_lanes(), options.in_lanes.is_empty()) {
            source.push_str(&in_lanes(&context, (set, n_lanes), (options.in_lanes, None))?);
            for (context, variant) in variants.iter().zip(options.variants) {
                source.push_str(&in_lanes(context, (set, n_lanes), (variant.functions, Some(variant.name)))?);
            }
        }
    }
    Ok(source)
}

/// The module of these functions for an instruction set, and for a variant if one is named.
fn in_lanes(
    context: &Context<'_>,
    (set, n_lanes): (InstructionSet, usize),
    (functions, variant): (&[&str], Option<&str>),
) -> Result<String> {
    let module = &context.shader.module;
    let mut wanted: Vec<bool> = context.function_names.iter().map(|name| functions.contains(&name.as_str())).collect();
    // Functions come after those that they call.
    for (handle, function) in module.functions.iter().rev() {
        if wanted[handle.index()] {
            analysis::visit(&function.body, &mut |statement| {
                if let naga::Statement::Call { function, .. } = statement {
                    wanted[function.index()] = true;
                }
            });
        }
    }
    let sites = lanes::Sites::of(context, functions, variant.is_none());
    let mut types = lanes::Types::new(n_lanes);
    let wanted = context.functions().filter(|handle| wanted[handle.index()]);
    let functions: Vec<String> =
        wanted.map(|handle| lanes::function(context, &sites, &mut types, handle)).collect::<Result<_>>()?;
    lanes::module(context, (set, variant), &types, &functions)
        .map_err(|construct| Box::new(ShaderError::new(format!("{construct} is not translated to Rust"))))
}

/// Information about the whole module.
struct Context<'a> {
    shader: &'a Validated,
    options: &'a Options<'a>,
    /// Names used at module scope, which functions must avoid.
    names: names::Names,
    /// Rust names of the functions, by handle.
    function_names: Vec<String>,
    /// Rust names of the constants, by handle.
    constant_names: Vec<String>,
    /// Values of overrides, in place of their defaults.
    overrides: &'a [(&'a str, bool)],
}

impl<'a> Context<'a> {
    fn new(shader: &'a Validated, options: &'a Options<'a>, overrides: &'a [(&'a str, bool)]) -> Result<Self> {
        let module = &shader.module;
        let mut names = names::Names::default();
        for (_, ty) in module.types.iter() {
            if let (Some(name), naga::TypeInner::Struct { .. }) = (&ty.name, &ty.inner) {
                names.take(name);
            }
        }
        let mut take = |name: &Option<String>, or: &str| names.take(name.as_deref().unwrap_or(or));
        let constant_names = module.constants.iter().map(|(_, constant)| take(&constant.name, "CONSTANT")).collect();
        let function_names: Vec<String> =
            module.functions.iter().map(|(_, function)| take(&function.name, "function")).collect();
        if let Some(missing) = options
            .exports
            .iter()
            .chain(options.in_lanes)
            .chain(options.variants.iter().flat_map(|variant| variant.functions))
            .find(|&&export| function_names.iter().all(|name| name != export))
        {
            let message = format!("there is no function `{missing}`");
            return Err(Box::new(ShaderError::new(message)));
        }
        let names_one = |name: &str| module.overrides.iter().any(|(_, known)| known.name.as_deref() == Some(name));
        if let Some((missing, _)) = overrides.iter().find(|(name, _)| !names_one(name)) {
            return Err(Box::new(ShaderError::new(format!("there is no override `{missing}`"))));
        }
        Ok(Self { shader, options, names, function_names, constant_names, overrides })
    }

    fn functions(&self) -> impl Iterator<Item = Handle<Function>> {
        self.shader.module.functions.iter().map(|(handle, _)| handle)
    }

    /// The error for a construct at `span` that cannot be translated.
    fn refuse(&self, span: Span, construct: &str) -> Error {
        self.error(span, format!("{construct} is not translated to Rust"))
    }

    fn error(&self, span: Span, message: String) -> Error {
        Box::new(match self.shader.place(span) {
            Some(place) => ShaderError::at(place, message),
            None => ShaderError::new(message),
        })
    }

    /// The bindings that a function reads, directly or through calls.
    fn bindings_of(&self, function: Handle<Function>) -> impl Iterator<Item = Handle<GlobalVariable>> {
        let info = &self.shader.info[function];
        let globals = self.shader.module.global_variables.iter();
        globals.map(|(handle, _)| handle).filter(move |&handle| !info[handle].is_empty())
    }

    /// The name of the construct if a variable is not a read-only buffer.
    fn check_global(&self, handle: Handle<GlobalVariable>) -> std::result::Result<(), &'static str> {
        match self.shader.module.global_variables[handle].space {
            AddressSpace::Uniform | AddressSpace::Immediate => Ok(()),
            AddressSpace::Storage { access } if access == StorageAccess::LOAD => Ok(()),
            AddressSpace::Storage { .. } => Err("a buffer that can be written"),
            AddressSpace::Private => Err("`var<private>`"),
            AddressSpace::WorkGroup => Err("`var<workgroup>`"),
            AddressSpace::Handle => Err("a texture or sampler"),
            _ => Err("this kind of variable"),
        }
    }
}
