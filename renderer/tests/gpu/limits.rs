//! What does not fit is refused before any work, and the device stays usable; what was compiled is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use packshot_renderer::backend::gpu::{GpuBackend, GpuOptions};
use packshot_renderer::backend::{Backend, CancelToken, RenderError};
use packshot_renderer::store::{ByteStore, Kept};

use crate::scenes::{ADAPTER_STATE, adapter, ball, glass, gpu, render};

#[test]
fn a_scene_beyond_the_largest_binding_is_refused_and_the_next_one_renders() {
    let offered = adapter().binding_bytes_max;
    let prepared = ball(glass(), 32, 1).prepare();
    let mut large = ball(glass(), 32, 1).product();
    let n_texels = usize::try_from(offered / 4).expect("an adapter with small bindings") + 1;
    large.texels = vec![0; n_texels];
    let refused = gpu().load(Arc::new(large), &CancelToken::default()).map(|_| ());
    let expected = RenderError::DeviceOutOfMemory { needed_bytes: n_texels as u64 * 4, offered_bytes: Some(offered) };
    assert_eq!(refused, Err(expected));
    assert!(render(gpu(), &prepared).rays > 0);
}

#[derive(Debug, Default)]
struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl ByteStore for Memory {
    fn load(&self, _: Kept, name: &str) -> Option<Vec<u8>> {
        self.0.lock().expect("not poisoned").get(name).cloned()
    }

    fn store(&self, _: Kept, name: &str, bytes: &[u8]) {
        self.0.lock().expect("not poisoned").insert(name.to_owned(), bytes.to_vec());
    }
}

#[test]
fn compiled_kernels_are_kept_and_damaged_ones_replaced() {
    let store = Arc::new(Memory::default());
    let open = || {
        let _shared = ADAPTER_STATE.read();
        let options = GpuOptions { cache: Some(store.clone()), ..GpuOptions::default() };
        GpuBackend::open(adapter(), "a test".to_owned(), options).expect("the adapter opens")
    };
    drop(open());
    let entries = store.0.lock().expect("not poisoned").clone();
    assert_eq!(entries.len(), 1, "one device, one kernel");
    for bytes in store.0.lock().expect("not poisoned").values_mut() {
        *bytes = b"not what was stored".to_vec();
    }
    let prepared = ball(glass(), 32, 1).prepare();
    assert_eq!(render(&open(), &prepared).film.sums, render(gpu(), &prepared).film.sums);
    let names = |entries: &BTreeMap<String, Vec<u8>>| entries.keys().cloned().collect::<Vec<_>>();
    let replaced = store.0.lock().expect("not poisoned").clone();
    assert_eq!(names(&replaced), names(&entries));
    assert!(replaced.values().all(|bytes| bytes != b"not what was stored"));
}
