//! Errors that no command provokes on a sound machine, made as values.

use packshot::error::{Error, ErrorKind};
use packshot_pipeline::oidn::OidnError;
use packshot_renderer::backend::RenderError;
use packshot_renderer::encode::EncodeError;

use crate::Text;

/// How the command ends.
fn exit(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Request => "2",
        ErrorKind::Input => "3",
        ErrorKind::Unmapped => "4",
        ErrorKind::Device => "5",
        ErrorKind::Cancelled => "130",
        ErrorKind::Internal => "1",
    }
}

fn of(error: Error) -> impl Iterator<Item = Text> {
    let ends_with = exit(error.kind).to_owned();
    error.faults.into_iter().map(move |fault| Text {
        code: fault.code,
        ends_with: ends_with.clone(),
        message: fault.message,
        at: fault.at,
        help: fault.help,
    })
}

/// All of them.
pub(crate) fn texts() -> Vec<Text> {
    let size_px = [1920, 1080];
    let codec = |code, reason: &str| EncodeError::Codec { code, reason: reason.into() };
    let encode = [
        EncodeError::Empty { width_px: 0, height_px: 1080 },
        EncodeError::Shape { layer: "albedo".to_owned(), width_px: 16, height_px: 16, n_channels: 3, got: 700 },
        EncodeError::ChannelName("größe".to_owned()),
        EncodeError::NoLayer,
        EncodeError::FileSize { format: "TIFF" },
        EncodeError::FrameRate(500),
        EncodeError::FrameCount { announced: 36, pushed: 35 },
        EncodeError::FrameSize { size_px, got_px: [1080, 1080] },
        EncodeError::NotBuilt { format: "AVIF", feature: "avif" },
        codec("encode.avif", "invalid data"),
        codec("encode.jpeg", "invalid data"),
        codec("encode.mp4", "invalid data"),
        codec("encode.read_back", "invalid data"),
        codec("encode.tiff", "invalid data"),
        codec("encode.webp", "invalid data"),
    ];
    let render = [
        RenderError::DeviceLost("the driver reset it".to_owned()),
        RenderError::DeviceOutOfMemory { needed_bytes: 3_000_000_000, offered_bytes: None },
        RenderError::Cancelled,
    ];
    let place = "/opt/oidn/lib/libOpenImageDenoise.so".to_owned();
    let oidn = [
        OidnError::Invalid { place, reason: "it lacks oidnNewDevice".to_owned() },
        OidnError::Failed { kind: "out of memory", message: "the device has no memory left".to_owned() },
    ];
    let errors = encode.into_iter().map(Error::from).chain(render.into_iter().map(Error::from));
    errors.chain(oidn.into_iter().map(Error::from)).flat_map(of).collect()
}
