//! The library's functions and the calls of them: everything here that the compiler cannot check.
//!
//! Names and types are those of `include/OpenImageDenoise/oidn.h` of version 2.
#![allow(unsafe_code, reason = "a library in C is loaded and called")]

use std::error::Error;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use packshot_denoiser::{Control, DenoiseError, Picture};

use crate::{OidnError, Quality, Settings};

/// A device or a filter of the library.
type Object = *mut c_void;
/// Whether to go on; called with what was registered and with how much is done, 0 to 1.
type Monitor = unsafe extern "C" fn(*mut c_void, f64) -> bool;

/// `OIDN_DEVICE_TYPE_CPU`.
const DEVICE_TYPE_CPU: c_int = 1;
/// `OIDN_FORMAT_FLOAT3`.
const FORMAT_FLOAT3: c_int = 3;
/// `OIDN_ERROR_NONE`.
const ERROR_NONE: c_int = 0;
/// `OIDN_ERROR_CANCELLED`.
const ERROR_CANCELLED: c_int = 6;

macro_rules! functions {
    ($($name:ident = $symbol:literal: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// What is called of the library.
        pub(crate) struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Functions {
            /// Finds them all, and keeps the library loaded for good.
            ///
            /// # Errors
            /// The first function that is not there.
            pub(crate) fn of(library: libloading::Library) -> Result<&'static Self, &'static str> {
                let functions = Self {
                    $($name: {
                        let symbol = concat!($symbol, "\0").as_bytes();
                        // SAFETY: the type is that of the header for this name, and the library is never unloaded.
                        unsafe { library.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>(symbol) }
                            .map(|function| *function)
                            .map_err(|_| $symbol)?
                    },)*
                };
                std::mem::forget(library);
                Ok(Box::leak(Box::new(functions)))
            }
        }
    };
}

functions! {
    new_device = "oidnNewDevice": fn(c_int) -> Object;
    commit_device = "oidnCommitDevice": fn(Object);
    release_device = "oidnReleaseDevice": fn(Object);
    device_error = "oidnGetDeviceError": fn(Object, *mut *const c_char) -> c_int;
    device_int = "oidnGetDeviceInt": fn(Object, *const c_char) -> c_int;
    set_device_int = "oidnSetDeviceInt": fn(Object, *const c_char, c_int);
    new_filter = "oidnNewFilter": fn(Object, *const c_char) -> Object;
    release_filter = "oidnReleaseFilter": fn(Object);
    set_image = "oidnSetSharedFilterImage":
        fn(Object, *const c_char, *mut c_void, c_int, usize, usize, usize, usize, usize);
    set_filter_bool = "oidnSetFilterBool": fn(Object, *const c_char, bool);
    set_filter_int = "oidnSetFilterInt": fn(Object, *const c_char, c_int);
    set_monitor = "oidnSetFilterProgressMonitorFunction": fn(Object, Option<Monitor>, *mut c_void);
    commit_filter = "oidnCommitFilter": fn(Object);
    execute_filter = "oidnExecuteFilter": fn(Object);
}

/// Loads a library.
///
/// # Errors
/// What the system's loader says.
pub(crate) fn load(name: &OsStr) -> Result<libloading::Library, String> {
    // SAFETY: what a library runs when it is loaded is its own; it is the one that the user named or has installed.
    let loaded = unsafe { libloading::Library::new(name) };
    loaded.map_err(|error| match error.source() {
        Some(source) => format!("{}: {error}: {source}", name.display()),
        None => error.to_string(),
    })
}

/// A device of the library.
pub(crate) struct Handle {
    functions: &'static Functions,
    device: NonNull<c_void>,
}

// SAFETY: the library says that all its functions may be called by any thread, and that it serializes what works on one
// device.
unsafe impl Send for Handle {}
// SAFETY: as above; errors are kept for each thread, and asked for by the one that made them.
unsafe impl Sync for Handle {}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("device", &self.device).finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the device was made by this library, and its filters are gone.
        unsafe { (self.functions.release_device)(self.device.as_ptr()) }
    }
}

impl Handle {
    /// The processor, ready for filters.
    ///
    /// # Errors
    /// What the library says.
    pub(crate) fn new(functions: &'static Functions, n_threads: c_int) -> Result<Self, OidnError> {
        // SAFETY: it takes a number and gives a device or null.
        let device = unsafe { (functions.new_device)(DEVICE_TYPE_CPU) };
        let Some(device) = NonNull::new(device) else {
            let error = error_of(functions, ptr::null_mut());
            return Err(error.unwrap_or_else(|| failed(1, "it gave no device".to_owned())));
        };
        let handle = Self { functions, device };
        // SAFETY: the device is valid until it is released, names are strings that end in 0.
        unsafe {
            (functions.set_device_int)(device.as_ptr(), c"numThreads".as_ptr(), n_threads);
            (functions.commit_device)(device.as_ptr());
        }
        handle.check()?;
        Ok(handle)
    }

    /// The library's version as a number.
    pub(crate) fn version_number(&self) -> c_int {
        // SAFETY: the device is valid, the name ends in 0.
        unsafe { (self.functions.device_int)(self.device.as_ptr(), c"version".as_ptr()) }
    }

    /// What went wrong on this thread since it was last asked.
    fn check(&self) -> Result<(), OidnError> {
        error_of(self.functions, self.device.as_ptr()).map_or(Ok(()), Err)
    }

    /// Denoises a picture.
    ///
    /// # Errors
    /// As [`Device::denoise`](crate::Device::denoise).
    pub(crate) fn denoise(
        &self,
        picture: &Picture<'_>,
        settings: Settings,
        control: Control<'_>,
    ) -> Result<Vec<[f32; 4]>, OidnError> {
        picture.check()?;
        if (control.is_cancelled)() {
            return Err(DenoiseError::Cancelled.into());
        }
        // Alpha stays; the library writes the three colours beside it.
        let mut out = picture.color.to_vec();
        let filter = Filter::new(self)?;
        let size_px = [picture.width_px as usize, picture.height_px as usize];
        filter.set_bool(c"hdr", true);
        filter.set_bool(c"cleanAux", settings.has_clean_guides);
        filter.set_int(c"quality", quality_number(settings.quality));
        if let Some(bytes) = control.memory_max_bytes {
            filter.set_int(c"maxMemoryMB", c_int::try_from(bytes >> 20).unwrap_or(c_int::MAX).max(1));
        }
        let inputs = [(c"albedo", picture.albedo), (c"normal", picture.normal)];
        let guides = inputs.iter().filter_map(|(name, guide)| Some((*name, (*guide)?)));
        // SAFETY: every picture has as many pixels as its sides say, which was checked, and lives until the filter is
        // gone. The library reads from inputs alone, and nothing else reads or writes `out` meanwhile. The monitor gets
        // what it takes, which outlives the filter, too.
        unsafe {
            filter.set_image(c"color", picture.color.as_ptr().cast_mut().cast(), size_px, size_of::<[f32; 4]>());
            for (name, guide) in guides {
                filter.set_image(name, guide.as_ptr().cast_mut().cast(), size_px, size_of::<[f32; 3]>());
            }
            filter.set_image(c"output", out.as_mut_ptr().cast(), size_px, size_of::<[f32; 4]>());
            let control: *const Control<'_> = &raw const control;
            (self.functions.set_monitor)(filter.object.as_ptr(), Some(goes_on), control.cast_mut().cast());
            (self.functions.commit_filter)(filter.object.as_ptr());
        }
        self.check()?;
        // SAFETY: the filter is complete; see above.
        unsafe { (self.functions.execute_filter)(filter.object.as_ptr()) }
        self.check()?;
        drop(filter);
        Ok(out)
    }
}

/// The monitor of a filter: whether nobody has cancelled.
unsafe extern "C" fn goes_on(control: *mut c_void, _done: f64) -> bool {
    // SAFETY: it is registered with the control of a picture under way, which any thread may ask.
    let control: &Control<'_> = unsafe { &*control.cast() };
    !(control.is_cancelled)()
}

/// A filter, released when it is dropped.
struct Filter<'a> {
    functions: &'a Functions,
    object: NonNull<c_void>,
}

impl Drop for Filter<'_> {
    fn drop(&mut self) {
        // SAFETY: the filter was made by this library and is not used afterwards.
        unsafe { (self.functions.release_filter)(self.object.as_ptr()) }
    }
}

impl<'a> Filter<'a> {
    /// One for pictures of ray tracers.
    fn new(handle: &'a Handle) -> Result<Self, OidnError> {
        let functions = handle.functions;
        // SAFETY: the device is valid, the name ends in 0.
        let object = unsafe { (functions.new_filter)(handle.device.as_ptr(), c"RT".as_ptr()) };
        let filter = NonNull::new(object).map(|object| Self { functions, object });
        handle.check()?;
        filter.ok_or_else(|| failed(1, "it gave no filter".to_owned()))
    }

    fn set_bool(&self, name: &CStr, value: bool) {
        // SAFETY: the filter is valid, the name ends in 0.
        unsafe { (self.functions.set_filter_bool)(self.object.as_ptr(), name.as_ptr(), value) }
    }

    fn set_int(&self, name: &CStr, value: c_int) {
        // SAFETY: the filter is valid, the name ends in 0.
        unsafe { (self.functions.set_filter_int)(self.object.as_ptr(), name.as_ptr(), value) }
    }

    /// A picture of three `f32` a pixel, pixels so many bytes apart, rows without a gap.
    ///
    /// # Safety
    /// `pixels` is valid for all pixels until the filter is released; the output's for writing.
    unsafe fn set_image(&self, name: &CStr, pixels: *mut c_void, [width_px, height_px]: [usize; 2], stride: usize) {
        let (object, name, offset, row) = (self.object.as_ptr(), name.as_ptr(), 0, 0);
        // SAFETY: the filter is valid, the name ends in 0; the rest is the caller's.
        unsafe {
            (self.functions.set_image)(object, name, pixels, FORMAT_FLOAT3, width_px, height_px, offset, stride, row);
        }
    }
}

/// The value of `OIDNQuality`.
fn quality_number(quality: Quality) -> c_int {
    match quality {
        Quality::Fast => 4,
        Quality::Balanced => 5,
        Quality::High => 6,
    }
}

/// The error of a device on this thread, which is forgotten then; that of making one for null.
fn error_of(functions: &Functions, device: Object) -> Option<OidnError> {
    let mut message: *const c_char = ptr::null();
    // SAFETY: the device is valid or null, and the library writes a pointer or nothing.
    let code = unsafe { (functions.device_error)(device, &raw mut message) };
    if code == ERROR_NONE {
        return None;
    }
    let message = match message.is_null() {
        true => String::new(),
        // SAFETY: the library's text ends in 0 and is there until it is asked again.
        false => unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned(),
    };
    Some(failed(code, message))
}

fn failed(code: c_int, message: String) -> OidnError {
    let kind = match code {
        ERROR_CANCELLED => return DenoiseError::Cancelled.into(),
        2 => "invalid argument",
        3 => "invalid operation",
        4 => "out of memory",
        5 => "unsupported hardware",
        _ => "unknown error",
    };
    OidnError::Failed { kind, message }
}
