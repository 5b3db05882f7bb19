//! Which device is taken.

use std::process::Command;
use std::time::SystemTime;

use packshot_renderer::backend::DeviceKind;
use packshot_renderer::backend::device::{
    AdapterClass, AdapterInfo, Chosen, DeviceReport, DeviceRequest, DeviceState, choose, enumerate, lost,
    note_elsewhere, open, select,
};

use crate::scenes;

fn adapter(name: &str, class: AdapterClass) -> AdapterInfo {
    AdapterInfo {
        id: name.to_lowercase(),
        name: name.to_owned(),
        backend: "vulkan".to_owned(),
        class,
        driver: "1.0".to_owned(),
        binding_bytes_max: 1 << 30,
        memory_bytes: Some(8 << 30),
        unusable: None,
    }
}

fn broken(name: &str, class: AdapterClass) -> AdapterInfo {
    AdapterInfo { unusable: Some("it has no compute shaders".to_owned()), ..adapter(name, class) }
}

/// What is chosen, or `!` and the error; then the reason.
fn chosen(request: &str, adapters: &[AdapterInfo]) -> (String, String) {
    match choose(&DeviceRequest::from(request), adapters) {
        Ok(choice) => match choice.chosen {
            Chosen::Cpu => ("cpu".to_owned(), choice.reason),
            Chosen::Adapter(adapter) => (adapter.name, choice.reason),
        },
        Err(error) => {
            assert!(!error.help.is_empty());
            ("!".to_owned(), error.message)
        }
    }
}

#[test]
fn choices() {
    let none = [];
    let software = [adapter("llvmpipe (LLVM 15)", AdapterClass::Software)];
    let laptop = [
        adapter("llvmpipe (LLVM 15)", AdapterClass::Software),
        adapter("Iris Xe", AdapterClass::Integrated),
        adapter("GeForce RTX 4060", AdapterClass::Discrete),
    ];
    let old = [broken("Old GPU", AdapterClass::Discrete), adapter("llvmpipe (LLVM 15)", AdapterClass::Software)];
    let pair = [broken("Card", AdapterClass::Discrete), adapter("Card II", AdapterClass::Discrete)];
    let table: &[(&str, &[AdapterInfo], &str, &str)] = &[
        ("auto", &none, "cpu", "no GPU adapter found"),
        (
            "auto",
            &software,
            "cpu",
            "no GPU adapter found (llvmpipe (LLVM 15) computes on the CPU and is only used when it is named)",
        ),
        ("auto", &laptop, "GeForce RTX 4060", "the best of 2 GPUs"),
        ("AUTO", &laptop[1..2], "Iris Xe", "the only GPU"),
        ("auto", &old[..1], "cpu", "no GPU adapter found (Old GPU cannot be used: it has no compute shaders)"),
        ("cpu", &laptop, "cpu", "the CPU was asked for"),
        ("gpu", &laptop, "GeForce RTX 4060", "a GPU was asked for"),
        ("gpu", &none, "!", "no GPU adapter found"),
        (
            "gpu",
            &software,
            "!",
            "no GPU adapter found (llvmpipe (LLVM 15) computes on the CPU and is only used when it is named)",
        ),
        ("LLVMpipe", &laptop, "llvmpipe (LLVM 15)", "its name contains \"LLVMpipe\", as asked for"),
        ("xe", &laptop, "Iris Xe", "its name contains \"xe\", as asked for"),
        (
            "radeon",
            &laptop[1..],
            "!",
            "no adapter's name contains \"radeon\"; the adapters are Iris Xe, GeForce RTX 4060",
        ),
        ("radeon", &none, "!", "no adapter's name contains \"radeon\"; there is no graphics adapter"),
        ("old", &old, "!", "Old GPU cannot be used: it has no compute shaders"),
        ("card", &pair, "Card II", "its name contains \"card\", as asked for"),
    ];
    for (request, adapters, expect, reason) in table {
        let names: Vec<&str> = adapters.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(chosen(request, adapters), ((*expect).to_owned(), (*reason).to_owned()), "{request} of {names:?}");
    }
}

#[test]
fn the_probe_line_says_what_happened() {
    let line = |request: &str, adapters: &[AdapterInfo]| {
        choose(&DeviceRequest::from(request), adapters).expect("a device").probe_line()
    };
    let h200 = [adapter("NVIDIA H200", AdapterClass::Discrete)];
    assert_eq!(line("auto", &h200).as_deref(), Some("[GPU_PROBE] NVIDIA H200 activated (vulkan) — using GPU render"));
    let fallback = "[GPU_PROBE] No GPU found, falling back to CPU — set cycles_device=cpu to suppress this warning";
    assert_eq!(line("auto", &[]).as_deref(), Some(fallback));
    assert_eq!(line("cpu", &h200), None);
}

#[test]
fn the_report_names_every_device_and_selects_one() {
    let adapters = [adapter("llvmpipe", AdapterClass::Software), broken("Old GPU", AdapterClass::Discrete)];
    let outcome = choose(&DeviceRequest::Auto, &adapters);
    let report = DeviceReport::new(&adapters, &[], &outcome, SystemTime::UNIX_EPOCH);
    let rows: Vec<_> = report.items.iter().map(|i| (i.device_type, i.is_software, i.state, i.selected)).collect();
    assert_eq!(
        rows,
        [
            ("cpu", true, DeviceState::Ready, false),
            ("discrete_gpu", false, DeviceState::Unusable, false),
            ("cpu", false, DeviceState::Ready, true)
        ]
    );
    let json = serde_json::to_value(&report).expect("plain data");
    assert_eq!(json["probe"]["used"], "cpu");
    assert_eq!(json["probe"]["checked_at"], "1970-01-01T00:00:00Z");
    let names: Vec<&String> = json["items"][0].as_object().expect("an object").keys().collect();
    let expected =
        ["id", "name", "backend", "device_type", "driver", "memory_bytes", "is_software", "state", "selected"];
    assert_eq!(names, expected);
    assert_eq!(json["items"][1]["memory_bytes"], 8_u64 << 30);
}

#[test]
fn a_lost_adapter_is_listed_as_lost_whether_its_driver_still_lists_it_or_not() {
    let [card, gone, old] = ["Card", "Gone", "Old GPU"].map(|name| adapter(name, AdapterClass::Discrete));
    let adapters = [card.clone(), adapter("Other", AdapterClass::Integrated), broken(&old.name, old.class)];
    let outcome = choose(&DeviceRequest::Auto, &adapters);
    let report = DeviceReport::new(&adapters, &[card, gone, old], &outcome, SystemTime::UNIX_EPOCH);
    let states: Vec<_> = report.items.iter().map(|item| (item.id.as_str(), item.state)).collect();
    let expected = [
        ("card", DeviceState::Lost),
        ("other", DeviceState::Ready),
        ("old gpu", DeviceState::Unusable),
        ("gone", DeviceState::Lost),
        ("cpu", DeviceState::Ready),
    ];
    assert_eq!(states, expected);
    assert_eq!(serde_json::to_value(report.items[0].state).expect("a word"), "lost");
}

#[test]
fn what_a_worker_in_another_process_lost_is_lost_until_it_has_it_open() {
    let _alone = scenes::ADAPTER_STATE.write();
    let adapter = scenes::adapter();
    let is_lost = || lost().iter().any(|lost| lost.id == adapter.id);
    // Of two cards of one name, one.
    let twin = AdapterInfo { id: "its twin".to_owned(), ..adapter.clone() };
    note_elsewhere(adapter, true);
    assert!(is_lost() && lost().iter().all(|lost| lost.id != twin.id));
    note_elsewhere(&twin, false);
    assert!(is_lost());
    note_elsewhere(adapter, false);
    assert!(!is_lost());
}

#[test]
fn the_driver_says_how_much_memory_an_adapter_has() {
    let memory_bytes = scenes::adapter().memory_bytes.expect("Vulkan says it");
    // Mesa's software adapter has the machine's, or a part of it.
    assert!(memory_bytes > 64 << 20, "{memory_bytes}");
    assert_eq!(packshot_renderer::backend::Backend::device(scenes::gpu()).memory_bytes, Some(memory_bytes));
}

#[test]
fn the_software_adapter_of_this_machine_opens_by_name() {
    let choice = select(&DeviceRequest::from("LLVMPIPE")).expect("it is installed");
    assert_eq!(choice.kind(), DeviceKind::Software);
    let found = enumerate();
    let ids: std::collections::BTreeSet<&str> = found.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(ids.len(), found.len(), "ids are distinct");
    let device = packshot_renderer::backend::Backend::device(scenes::gpu());
    assert_eq!((device.kind, device.backend.as_str()), (DeviceKind::Software, "vulkan"));
    let cpu = open(&choose(&DeviceRequest::Cpu, &[]).expect("always there"), 1, None).expect("a thread");
    assert_eq!((cpu.device().kind, cpu.device().reason.as_str()), (DeviceKind::Cpu, "the CPU was asked for"));
}

#[test]
fn without_a_driver_there_is_no_adapter_and_no_panic() {
    const CHILD: &str = "PACKSHOT_TEST_WITHOUT_DRIVERS";
    if std::env::var_os(CHILD).is_some() {
        assert_eq!(enumerate(), []);
        let choice = select(&DeviceRequest::Auto).expect("the CPU is always there");
        assert_eq!((choice.kind(), choice.reason.as_str()), (DeviceKind::Cpu, "no GPU adapter found"));
        assert!(select(&DeviceRequest::Gpu).is_err());
        return;
    }
    // The Vulkan loader reads these once, so a process of its own has to try.
    let output = Command::new(std::env::current_exe().expect("a test program"))
        .args(["--exact", "devices::without_a_driver_there_is_no_adapter_and_no_panic"])
        .envs([(CHILD, "1"), ("VK_DRIVER_FILES", "/nonexistent.json"), ("VK_ICD_FILENAMES", "/nonexistent.json")])
        .output()
        .expect("the test program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
