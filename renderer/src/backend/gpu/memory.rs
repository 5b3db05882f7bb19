//! How much memory an adapter has, which wgpu does not tell: its Vulkan driver does.
#![allow(unsafe_code, reason = "wgpu 30 has no safe call for the memory of an adapter; two calls that only read")]

use crate::backend::device::AdapterClass;

/// `VK_MEMORY_HEAP_DEVICE_LOCAL_BIT`.
const DEVICE_LOCAL: u32 = 1;

/// Bytes of an adapter's memory, as its driver says; `None` where the adapter is not one of Vulkan. Of one with memory
/// of its own that is its largest heap there: a smaller one beside it is a window onto the same memory. One that shares
/// the machine's has all heaps, whichever it calls its own. What other programs have of it is not known.
pub(super) fn bytes(adapter: &wgpu::Adapter, class: AdapterClass) -> Option<u64> {
    // SAFETY: what lies behind the adapter is neither changed nor destroyed, nor kept for longer than it is borrowed
    // here.
    let vulkan = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() }?;
    let instance = vulkan.shared_instance().raw_instance();
    // SAFETY: the device is one of this instance, and the borrowed adapter keeps both alive; the call fills a structure
    // of its own.
    let properties = unsafe { instance.get_physical_device_memory_properties(vulkan.raw_physical_device()) };
    let heaps = properties.memory_heaps.iter().take(properties.memory_heap_count as usize);
    match class {
        AdapterClass::Discrete | AdapterClass::Virtual => {
            heaps.filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0).map(|heap| heap.size).max()
        }
        AdapterClass::Integrated | AdapterClass::Other | AdapterClass::Software => {
            Some(heaps.map(|heap| heap.size).sum())
        }
    }
}
