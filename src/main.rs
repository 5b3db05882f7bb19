//! The `packshot` command: pictures of products from GLB files, at the command line.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    leave_out_device_select();
    cli::run()
}

/// A layer of Mesa's, loaded into every Vulkan program, asks the display which GPU to prefer, and where there is no
/// display says so on stderr, as the first thing that a user of a server reads. It is left out there, unless somebody
/// chooses a GPU by it.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the layer reads the environment and nothing else")]
fn leave_out_device_select() {
    const USES: [&str; 6] =
        ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "MESA_VK_DEVICE_SELECT", "DRI_PRIME", "NODEVICE_SELECT"];
    if USES.into_iter().all(|name| std::env::var_os(name).is_none()) {
        // SAFETY: the program has just begun and has one thread, so nobody reads the environment meanwhile.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

#[cfg(not(target_os = "linux"))]
fn leave_out_device_select() {}
