//! Translates the functions in `tests/constructs/wgsl` for the tests, each with a caller in Rust and in WGSL.
//!
//! Every function of a file that takes and returns scalars and vectors becomes a case: a Rust function from words to
//! words for each instruction set, and a part of the file's kernel that does the same on a device. A comment above a
//! function says which inputs it gets and how closely both results must agree: `// in -10..10 ulp 3 abs 1e-6`.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use naga::{Module, ScalarKind, TypeInner};
use packshot_shaders::layout::{Field, Twin};
use packshot_shaders::sources::Sources;
use packshot_shaders::translate::{InstructionSet, Options, translate};
use packshot_shaders::validate::{Validated, load};

/// The Rust side of `bindings.wgsl`, declared in `tests/constructs/buffers.rs`.
const TWINS: &[Twin] = &[
    Twin {
        name: "Knob",
        path: "crate::buffers::Knob",
        size_bytes: 32,
        fields: &[
            Field { name: "position", ty: "Vec3", offset_bytes: 0, size_bytes: 12 },
            Field { name: "gain", ty: "f32", offset_bytes: 12, size_bytes: 4 },
            Field { name: "kind", ty: "UVec2", offset_bytes: 16, size_bytes: 8 },
            Field { name: "first", ty: "u32", offset_bytes: 24, size_bytes: 4 },
            Field { name: "padding", ty: "u32", offset_bytes: 28, size_bytes: 4 },
        ],
    },
    Twin {
        name: "Panel",
        path: "crate::buffers::Panel",
        size_bytes: 144,
        fields: &[
            Field { name: "tint", ty: "Vec4", offset_bytes: 0, size_bytes: 16 },
            Field { name: "knobs", ty: "[Knob; 2]", offset_bytes: 16, size_bytes: 64 },
            Field { name: "panel_from_world", ty: "Mat4", offset_bytes: 80, size_bytes: 64 },
        ],
    },
];

/// The Rust source for all files of `folder`.
pub(crate) fn generate(folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let mut files: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.sort();
    let mut source = String::new();
    let mut names = Vec::new();
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)?;
        let shader = load(&[(name.as_str(), text.as_str())].into_iter().collect::<Sources<'_>>(), &name)?;
        source.push_str(&file(&name, &text, &shader)?);
        names.push(format!("{name}::FILE"));
    }
    writeln!(source, "pub const FILES: &[crate::File] = &[{}];", names.join(", "))?;
    Ok(source)
}

/// The inputs or outputs of a function: for each value its WGSL type and the kinds of its words.
struct Words {
    /// `f`, `u`, `i` or `b` for each word.
    kinds: String,
    /// Type names: WGSL's and Rust's, and how many words each value has.
    values: Vec<(String, String, usize)>,
}

impl Words {
    /// `None` for types that a test cannot feed.
    fn of<'a>(module: &Module, types: impl Iterator<Item = &'a naga::Handle<naga::Type>>) -> Option<Self> {
        let mut words = Self { kinds: String::new(), values: Vec::new() };
        for &ty in types {
            let (count, scalar) = match module.types[ty].inner {
                TypeInner::Scalar(scalar) => (1, scalar),
                TypeInner::Vector { size, scalar } => (size as usize, scalar),
                _ => return None,
            };
            let (kind, scalar, prefix) = match scalar.kind {
                ScalarKind::Float => ("f", "f32", "Vec"),
                ScalarKind::Uint => ("u", "u32", "UVec"),
                ScalarKind::Sint => ("i", "i32", "IVec"),
                ScalarKind::Bool => ("b", "bool", "BVec"),
                _ => return None,
            };
            words.kinds.push_str(&kind.repeat(count));
            words.values.push(if count == 1 {
                (scalar.to_owned(), scalar.to_owned(), 1)
            } else {
                (format!("vec{count}<{scalar}>"), format!("{prefix}{count}"), count)
            });
        }
        Some(words)
    }
}

fn options<'a>(in_lanes: &'a [&'a str], instruction_sets: &'a [InstructionSet]) -> Options<'a> {
    Options { runtime: "packshot_native::rt", twins: TWINS, exports: &[], instruction_sets, in_lanes, variants: &[] }
}

fn file(name: &str, text: &str, shader: &Validated) -> Result<String, Box<dyn std::error::Error>> {
    let module = &shader.module;
    // Functions with constructs that have no translation in lanes are left out, and a test has their list.
    let all = module.functions.iter().filter_map(|(_, function)| function.name.as_deref());
    let in_lanes: Vec<&str> =
        all.filter(|&name| translate(shader, &options(&[name], &[InstructionSet::Avx2])).is_ok()).collect();
    let translated = translate(shader, &options(&in_lanes, &InstructionSet::ALL))?;
    let mut cases = String::new();
    let mut kernel = String::new();
    let mut callers = vec![String::new(); InstructionSet::ALL.len()];
    let sets_with_lanes = || InstructionSet::ALL.into_iter().filter(|set| set.n_lanes().is_some());
    let mut lane_callers = vec![String::new(); sets_with_lanes().count()];
    let (mut input_start, mut output_start) = (0, 0);
    for (handle, function) in module.functions.iter() {
        let inputs = Words::of(module, function.arguments.iter().map(|argument| &argument.ty));
        let outputs = Words::of(module, function.result.iter().map(|result| &result.ty));
        let (Some(inputs), Some(outputs)) = (inputs, outputs) else { continue };
        if outputs.values.is_empty() {
            continue;
        }
        let function_name = function.name.as_deref().unwrap_or_default();
        let reads_buffers = module.global_variables.iter().any(|(global, _)| !shader.info[handle][global].is_empty());
        for (source, set) in callers.iter_mut().zip(InstructionSet::ALL) {
            source.push_str(&rust_caller(name, function_name, set, &inputs, &outputs, reads_buffers));
        }
        let in_lanes = if in_lanes.contains(&function_name) {
            for (source, set) in lane_callers.iter_mut().zip(sets_with_lanes()) {
                source.push_str(&lane_caller(name, function_name, set, &inputs, &outputs, reads_buffers));
            }
            let callers = sets_with_lanes().map(|set| format!("callers::{}_lanes::{function_name}", set.module()));
            format!("&[{}]", callers.collect::<Vec<_>>().join(", "))
        } else {
            "&[]".to_owned()
        };
        kernel.push_str(&wgsl_caller(function_name, &inputs, &outputs, input_start, output_start));
        let place = shader.place(module.functions.get_span(handle)).map_or(0, |place| place.line);
        let note = place.checked_sub(2).and_then(|line| text.lines().nth(line)).unwrap_or_default();
        writeln!(
            cases,
            "crate::Case {{ name: {function_name:?}, inputs: {:?}, outputs: {:?}, {}, \
             baseline: callers::baseline::{function_name}, \
             #[cfg(target_arch = \"x86_64\")] avx2: callers::avx2::{function_name}, \
             #[cfg(target_arch = \"x86_64\")] avx512: callers::avx512::{function_name}, \
             #[cfg(target_arch = \"x86_64\")] in_lanes: {in_lanes} }},",
            inputs.kinds,
            outputs.kinds,
            demands(note)?
        )?;
        input_start += inputs.kinds.len();
        output_start += outputs.kinds.len();
    }
    let kernel = format!(
        "{}\n@group(0) @binding(0) var<storage, read> words_in: array<u32>;\n\
         @group(0) @binding(1) var<storage, read_write> words_out: array<u32>;\n\
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {{\n\
         let i = id.x * {input_start}u; let o = id.x * {output_start}u;\n{kernel}}}\n",
        shader.composed.text()
    );
    let callers: String = InstructionSet::ALL
        .iter()
        .zip(callers)
        .map(|(set, source)| {
            let condition = if set.features().is_some() { "#[cfg(target_arch = \"x86_64\")]\n" } else { "" };
            format!("{condition}pub mod {} {{\nuse glam::*;\n{source}}}\n", set.module())
        })
        .collect();
    let lane_callers: String = sets_with_lanes()
        .zip(lane_callers)
        .map(|(set, source)| {
            let set = set.module();
            format!(
                "#[cfg(target_arch = \"x86_64\")]\npub mod {set}_lanes {{\n\
                 use packshot_native::rt::simd::{set} as simd;\n{source}}}\n"
            )
        })
        .collect();
    Ok(format!(
        "pub mod {name} {{\n{translated}\n\
         #[allow(unused_imports, clippy::all, reason = \"generated\")]\npub mod callers {{\n{callers}{lane_callers}}}\n\
         pub const FILE: crate::File = crate::File {{ name: {name:?}, wgsl: {kernel:?}, cases: &[\n{cases}] }};\n}}\n\n"
    ))
}

/// The requirements in a comment, as fields of the test's `Case`.
fn demands(note: &str) -> Result<String, Box<dyn std::error::Error>> {
    let mut range = "None".to_owned();
    let (mut ulps, mut absolute) = (0u32, 0f32);
    let mut words = note.strip_prefix("// ").unwrap_or_default().split(' ');
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        match key {
            "in" => {
                let (low, high) = value.split_once("..").ok_or("a range is written LOW..HIGH")?;
                range = format!("Some(({:?}f32, {:?}f32))", low.parse::<f32>()?, high.parse::<f32>()?);
            }
            "ulp" => ulps = value.parse()?,
            "abs" => absolute = value.parse()?,
            _ => break,
        }
    }
    Ok(format!("range: {range}, ulps: {ulps}, absolute: {absolute:?}f32"))
}

/// A Rust function from words to words.
fn rust_caller(file: &str, name: &str, set: InstructionSet, inputs: &Words, outputs: &Words, buffers: bool) -> String {
    let mut arguments = Vec::new();
    if buffers {
        arguments.push(format!("&crate::buffers::{file}()"));
    }
    let mut next = 0;
    for (_, ty, count) in &inputs.values {
        let kind = &inputs.kinds[next..=next];
        let words: Vec<String> = (next..next + count).map(|word| from_word(kind, &format!("input[{word}]"))).collect();
        arguments.push(if *count == 1 { words.concat() } else { format!("{ty}::new({})", words.join(", ")) });
        next += count;
    }
    let stores: String = (0..outputs.kinds.len())
        .map(|word| {
            let part = if outputs.kinds.len() == 1 { String::new() } else { format!(".{}", &"xyzw"[word..=word]) };
            format!("output[{word}] = {};\n", to_word(&outputs.kinds[..1], &format!("result{part}")))
        })
        .collect();
    let attribute =
        set.features().map_or_else(String::new, |features| format!("#[target_feature(enable = \"{features}\")]\n"));
    format!(
        "{attribute}pub fn {name}(input: &[u32], output: &mut [u32]) {{\n\
         let result = super::super::{}::{name}({});\n{stores}}}\n",
        set.module(),
        arguments.join(", ")
    )
}

/// A Rust function from the words of a row for each lane to those of as many results, for the lanes of a mask.
fn lane_caller(file: &str, name: &str, set: InstructionSet, inputs: &Words, outputs: &Words, buffers: bool) -> String {
    let mut arguments = vec!["simd::bool_of(std::array::from_fn(|k| mask[k]))".to_owned()];
    if buffers {
        arguments.insert(0, format!("&crate::buffers::{file}()"));
    }
    let width = inputs.kinds.len();
    let word = |word: usize| {
        let word_of_rows = format!("simd::u32_of(std::array::from_fn(|k| input[k * {width} + {word}]))");
        match &inputs.kinds[word..=word] {
            "f" => format!("simd::f32_bits_u32({word_of_rows})"),
            "i" => format!("simd::i32_bits_u32({word_of_rows})"),
            "b" => format!("simd::bool_from_u32(simd::and_u32({word_of_rows}, simd::splat_u32(1)))"),
            _ => word_of_rows,
        }
    };
    let mut next = 0;
    for &(_, _, count) in &inputs.values {
        let parts: Vec<String> =
            (0..count).map(|part| format!("{}: {}", &"xyzw"[part..=part], word(next + part))).collect();
        arguments.push(if count == 1 { word(next) } else { format!("simd::V{count} {{ {} }}", parts.join(", ")) });
        next += count;
    }
    let n_outputs = outputs.kinds.len();
    let stores: String = (0..n_outputs)
        .map(|word| {
            let part = if n_outputs == 1 { String::new() } else { format!(".{}", &"xyzw"[word..=word]) };
            let value = match &outputs.kinds[..1] {
                "f" => format!("simd::u32_bits_f32(result{part})"),
                "i" => format!("simd::u32_bits_i32(result{part})"),
                "b" => format!("simd::u32_from_bool(result{part})"),
                _ => format!("result{part}"),
            };
            format!(
                "for (k, word) in simd::array_u32({value}).into_iter().enumerate() {{\n\
                 if mask[k] {{ output[k * {n_outputs} + {word}] = word; }}\n}}\n"
            )
        })
        .collect();
    format!(
        "#[target_feature(enable = \"{}\")]\n\
         pub fn {name}(mask: &[bool], input: &[u32], output: &mut [u32]) {{\n\
         let result = super::super::{}_lanes::{name}({});\n{stores}}}\n",
        set.features().unwrap_or_default(),
        set.module(),
        arguments.join(", ")
    )
}

fn from_word(kind: &str, word: &str) -> String {
    match kind {
        "f" => format!("f32::from_bits({word})"),
        "i" => format!("{word} as i32"),
        "b" => format!("({word} & 1) == 1"),
        _ => word.to_owned(),
    }
}

fn to_word(kind: &str, value: &str) -> String {
    match kind {
        "f" => format!("{value}.to_bits()"),
        "i" => format!("{value} as u32"),
        "b" => format!("u32::from({value})"),
        _ => value.to_owned(),
    }
}

/// Statements of a kernel that do the same.
fn wgsl_caller(name: &str, inputs: &Words, outputs: &Words, input_start: usize, output_start: usize) -> String {
    let mut arguments = Vec::new();
    let mut next = 0;
    for (ty, _, count) in &inputs.values {
        let words: Vec<String> = (next..next + count)
            .map(|word| {
                let text = format!("words_in[i + {}u]", input_start + word);
                match &inputs.kinds[next..=next] {
                    "f" => format!("bitcast<f32>({text})"),
                    "i" => format!("bitcast<i32>({text})"),
                    "b" => format!("({text} & 1u) == 1u"),
                    _ => text,
                }
            })
            .collect();
        arguments.push(format!("{ty}({})", words.join(", ")));
        next += count;
    }
    let stores: String = (0..outputs.kinds.len())
        .map(|word| {
            let part = if outputs.kinds.len() == 1 { String::new() } else { format!(".{}", &"xyzw"[word..=word]) };
            let value = match &outputs.kinds[..1] {
                "b" => format!("u32(result{part})"),
                _ => format!("bitcast<u32>(result{part})"),
            };
            format!("words_out[o + {}u] = {value};\n", output_start + word)
        })
        .collect();
    format!("{{\nlet result = {name}({});\n{stores}}}\n", arguments.join(", "))
}
