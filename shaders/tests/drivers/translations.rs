//! Kernels in the languages of Metal and Direct3D, so that obstacles to supporting those are known.

use naga::back::{hlsl, msl};

use crate::modules::Kernel;

#[test]
fn kernels_with_their_constants_are_metal() {
    let options = msl::Options { lang_version: (2, 4), ..msl::Options::default() };
    for kernel in &Kernel::all() {
        for set in kernel.sets() {
            let pipeline = msl::PipelineOptions::default();
            let written = kernel.with(set, |module, info| msl::write_string(module, info, &options, &pipeline));
            let (text, info) = written.unwrap_or_else(|error| panic!("{}, set {set:#b}: {error}", kernel.name));
            let entry_point =
                info.entry_point_names[0].as_ref().unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
            assert!(text.contains(&format!("kernel void {entry_point}(")), "{}", kernel.name);
        }
    }
}

#[test]
fn kernels_with_their_constants_are_hlsl() {
    let options = hlsl::Options { shader_model: hlsl::ShaderModel::V6_0, ..hlsl::Options::default() };
    for kernel in &Kernel::all() {
        for set in kernel.sets() {
            let mut text = String::new();
            let pipeline = hlsl::PipelineOptions::default();
            let written = kernel
                .with(set, |module, info| hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None));
            let names =
                written.unwrap_or_else(|error| panic!("{}, set {set:#b}: {error}", kernel.name)).entry_point_names;
            let entry_point = names[0].as_ref().unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
            assert!(text.contains(&format!("void {entry_point}(")), "{}", kernel.name);
        }
    }
}
