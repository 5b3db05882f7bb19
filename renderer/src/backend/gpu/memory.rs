//! How much memory an adapter has: wgpu does not report it, but its Vulkan driver does.
#![allow(unsafe_code, reason = "wgpu 30 has no safe call for the memory of an adapter; two calls that only read")]

use crate::backend::device::AdapterClass;

/// `VK_MEMORY_HEAP_DEVICE_LOCAL_BIT`.
const DEVICE_LOCAL: u32 = 1;

/// Bytes of an adapter's memory as its driver reports them; `None` if the adapter is not a Vulkan one. For an adapter
/// with memory of its own this is its largest device-local heap: a smaller one beside it is a window onto the same
/// memory. For one that shares the machine's memory it is the sum of all heaps, whichever are device-local. What other
/// programs use of it is unknown.
pub(super) fn bytes(adapter: &wgpu::Adapter, class: AdapterClass) -> Option<u64> {
    // SAFETY: what is behind the adapter is neither changed nor destroyed, nor kept for longer than the borrow here.
    let vulkan = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() }?;
    let instance = vulkan.shared_instance().raw_instance();
    // SAFETY: the device belongs to this instance, and the borrowed adapter keeps both alive; the call fills a
    // structure of its own.
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
