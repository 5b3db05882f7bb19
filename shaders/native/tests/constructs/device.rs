//! Runs a file's kernel through wgpu on Mesa's software Vulkan driver.

use std::sync::{Mutex, OnceLock, PoisonError};

use wgpu::util::DeviceExt;

use crate::{File, N_INPUTS, buffers};

/// The device, opened once for all tests.
///
/// # Panics
/// When there is no adapter whose name contains `llvmpipe`, which is what lavapipe calls itself.
fn device() -> &'static Mutex<(wgpu::Device, wgpu::Queue)> {
    static DEVICE: OnceLock<Mutex<(wgpu::Device, wgpu::Queue)>> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::VULKAN;
        let instance = wgpu::Instance::new(descriptor);
        let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN));
        let names: Vec<String> = adapters.iter().map(|adapter| adapter.get_info().name).collect();
        let adapter = adapters.into_iter().find(|adapter| adapter.get_info().name.contains("llvmpipe"));
        let adapter = adapter.unwrap_or_else(|| {
            panic!("no Vulkan adapter named llvmpipe among {names:?}; Debian's package is mesa-vulkan-drivers")
        });
        let device = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()));
        let (device, queue) = device.expect("lavapipe opens");
        // wgpu reports no errors for a lost device, so this is the only trace of it.
        device.set_device_lost_callback(|reason, message| eprintln!("the device is lost ({reason:?}): {message}"));
        Mutex::new((device, queue))
    })
}

/// The `n_words_out` words that the kernel of `file` computes from the rows of `words_in`.
pub(crate) fn run(file: &File, words_in: &[u32], n_words_out: usize) -> Vec<u32> {
    // One at a time: each keeps all cores busy anyway.
    let (device, queue) = &*device().lock().unwrap_or_else(PoisonError::into_inner);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(file.name),
        source: wgpu::ShaderSource::Wgsl(file.wgsl.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(file.name),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let buffer = |contents: &[u8], usage| {
        device.create_buffer_init(&wgpu::util::BufferInitDescriptor { label: None, contents, usage })
    };
    let input = buffer(bytemuck::cast_slice(words_in), wgpu::BufferUsages::STORAGE);
    let size = (n_words_out * 4) as u64;
    let output = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: false,
    });
    let readback = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size,
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let bound = buffers::bytes().map(|(bytes, is_uniform)| {
        buffer(bytes, if is_uniform { wgpu::BufferUsages::UNIFORM } else { wgpu::BufferUsages::STORAGE })
    });
    let group = |index: u32, buffers: &[&wgpu::Buffer]| {
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = &pipeline.get_bind_group_layout(index);
        device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
    };

    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group(0, &[&input, &output]), &[]);
        if file.wgsl.contains("@group(1)") {
            pass.set_bind_group(1, &group(1, &bound.each_ref()), &[]);
        }
        pass.dispatch_workgroups((N_INPUTS / 64) as u32, 1, 1);
    }
    encoder.copy_buffer_to_buffer(&output, 0, &readback, 0, size);
    queue.submit([encoder.finish()]);
    readback.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.expect("the readback buffer maps"));
    device.poll(wgpu::PollType::wait_indefinitely()).expect("the device finishes");
    let mapped = readback.slice(..).get_mapped_range().expect("the readback buffer is mapped");
    bytemuck::cast_slice(&mapped).to_vec()
}
