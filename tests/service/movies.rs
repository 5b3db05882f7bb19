//! Movies in Chromium: every frame is shown, at its time, and equals the rendered picture.

use std::time::{Duration, Instant};

use base64::Engine;
use image::RgbaImage;
use serde_json::{Value, json};

use crate::service::Workplace;
use crate::webdriver::Browser;

const WIDTH_PX: u32 = 96;
const HEIGHT_PX: u32 = 64;
const N_FRAMES: usize = 6;
/// Slow enough for a screenshot of each frame.
const FPS: usize = 4;
const OPTIONS: [&str; 12] =
    ["--frames", "6", "--fps", "4", "--width", "96", "--height", "64", "--samples", "32", "--denoise", "off"];
/// Mean difference of a colour, of 255, between a rendered frame and how it is shown: one code for the rounding of
/// partly transparent pixels, and what H.264 loses at these contrasts.
const LOSSLESS_MAX: f64 = 0.5;
const H264_MAX: f64 = 3.0;

/// One browser for all movies: starting one takes longer than the rest.
#[tokio::test]
async fn movies_play_to_their_end_in_a_browser() {
    let place = Workplace::new();
    let Some(browser) = Browser::start(&place.path("downloads")).await else {
        println!("skipped: Chromium or chromedriver is not installed");
        return;
    };
    let frames = Frames::rendered(&place);
    let page =
        "<!doctype html><meta charset=utf-8><title>movie</title><style>body { margin: 0; background: white }</style>";
    std::fs::write(place.path("page.html"), page).expect("written");
    browser.open(&format!("file://{}", place.path("page.html").display())).await;
    if cfg!(feature = "h264") {
        a_video_plays(&browser, &place, &frames).await;
    }
    for (name, kind) in [("movie.webp", "image/webp"), ("movie.apng", "image/png")] {
        a_picture_moves(&browser, &place, &frames, name, kind).await;
    }
}

/// The frames of the movie, over white.
struct Frames(Vec<RgbaImage>);

impl Frames {
    fn rendered(place: &Workplace) -> Self {
        turntable(place, "frames/");
        let frame = |i| read(&std::fs::read(place.path(&format!("frames/frame_{i:04}.png"))).expect("rendered"));
        Self((0..N_FRAMES).map(frame).collect())
    }

    /// The frame that a picture shows, which is the one that it differs least from, and the difference.
    fn shown(&self, picture: &RgbaImage) -> (usize, f64) {
        assert!(picture.width() >= WIDTH_PX && picture.height() >= HEIGHT_PX);
        let differences = self.0.iter().map(|frame| mean_difference(frame, picture));
        differences.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b)).expect("there are frames")
    }
}

/// Renders a movie, or its frames, of a product: six frames in a second and a half.
pub(crate) fn turntable(place: &Workplace, output: &str) {
    let (code, _, stderr) = place.run(&[&["turntable", "boxes.glb", "-o", output], &OPTIONS[..]].concat());
    assert_eq!(code, 0, "{output}: {stderr}");
}

/// A PNG over white.
fn read(png: &[u8]) -> RgbaImage {
    let mut picture = image::load_from_memory(png).expect("a picture").to_rgba8();
    for pixel in picture.pixels_mut() {
        let alpha = u32::from(pixel[3]);
        let over_white = |value: u8| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        pixel.0 = [over_white(pixel[0]), over_white(pixel[1]), over_white(pixel[2]), 255];
    }
    picture
}

/// Mean difference between a frame and the same area of a picture, over the colours of all pixels.
fn mean_difference(frame: &RgbaImage, picture: &RgbaImage) -> f64 {
    let of_pixel = |(x, y, pixel): (u32, u32, &image::Rgba<u8>)| -> u64 {
        let other = picture.get_pixel(x, y);
        (0..3).map(|i| u64::from(pixel[i].abs_diff(other[i]))).sum()
    };
    let sum: u64 = frame.enumerate_pixels().map(of_pixel).sum();
    sum as f64 / f64::from(3 * WIDTH_PX * HEIGHT_PX)
}

/// The bytes of a movie as a JavaScript expression: a page from a file may not read other files.
fn bytes(place: &Workplace, name: &str) -> String {
    let movie = base64::prelude::BASE64_STANDARD.encode(std::fs::read(place.path(name)).expect("written"));
    format!("Uint8Array.from(atob('{movie}'), (c) => c.charCodeAt(0))")
}

async fn a_video_plays(browser: &Browser, place: &Workplace, frames: &Frames) {
    turntable(place, "movie.mp4");
    let bytes = bytes(place, "movie.mp4");
    let play = format!(
        "const video = document.createElement('video'); video.muted = true; document.body.replaceChildren(video);
         video.src = URL.createObjectURL(new Blob([{bytes}], {{ type: 'video/mp4' }}));
         return new Promise((resolve) => {{
             video.onerror = () => resolve({{ error: video.error.message }});
             video.onended = () => resolve({{ width: video.videoWidth, height: video.videoHeight, duration_s: video.duration,
                 ended_s: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames }});
             video.play();
         }});"
    );
    let duration_s = N_FRAMES as f64 / FPS as f64;
    let expected = json!({ "width": WIDTH_PX, "height": HEIGHT_PX, "duration_s": duration_s, "ended_s": duration_s, "frames": N_FRAMES });
    assert_eq!(browser.run(&play).await, expected);
    for i in 0..N_FRAMES {
        // The middle of the frame's time.
        let at_s = (i as f64 + 0.5) / FPS as f64;
        // `seeked` may come while the frame before is still on the page: the frame to look at is the one that the page
        // says it shows.
        let frame = format!(
            "const video = document.querySelector('video'), canvas = document.createElement('canvas');
             canvas.width = video.videoWidth; canvas.height = video.videoHeight;
             return new Promise((resolve) => {{
                 const shown = (_, frame) => {{
                     if (frame.mediaTime > {at_s} || frame.mediaTime <= {at_s} - 1 / {FPS}) return video.requestVideoFrameCallback(shown);
                     canvas.getContext('2d').drawImage(video, 0, 0);
                     resolve(canvas.toDataURL('image/png'));
                 }};
                 video.requestVideoFrameCallback(shown);
                 video.currentTime = {at_s};
             }});"
        );
        let (shown, difference) = frames.shown(&decoded(&browser.run(&frame).await));
        assert_eq!(shown, i, "at {at_s} s");
        assert!(difference < H264_MAX, "frame {i} differs by {difference:.2}");
    }
}

/// A picture that a script returned as a data URL.
fn decoded(url: &Value) -> RgbaImage {
    let png = url.as_str().and_then(|url| url.strip_prefix("data:image/png;base64,")).expect("a PNG");
    read(&base64::prelude::BASE64_STANDARD.decode(png).expect("base64"))
}

async fn a_picture_moves(browser: &Browser, place: &Workplace, frames: &Frames, name: &str, kind: &str) {
    turntable(place, name);
    let decode = format!(
        "const decoder = new ImageDecoder({{ data: {}, type: '{kind}' }});
         return decoder.tracks.ready.then(async () => {{
             const track = decoder.tracks.selectedTrack, durations_us = [];
             for (let i = 0; i < track.frameCount; i++) durations_us.push((await decoder.decode({{ frameIndex: i }})).image.duration);
             return {{ durations_us, endless: track.repetitionCount === Infinity }};
         }});",
        bytes(place, name)
    );
    let expected = json!({ "durations_us": vec![1_000_000 / FPS; N_FRAMES], "endless": true });
    assert_eq!(browser.run(&decode).await, expected, "{name}");

    // Shown by the page like any picture, until every frame has been seen.
    let show = format!(
        "const img = document.createElement('img'); img.style.display = 'block'; document.body.replaceChildren(img);
         return new Promise((resolve) => {{
             img.onload = () => resolve([img.naturalWidth, img.naturalHeight]); img.onerror = () => resolve('error'); img.src = '{name}';
         }});"
    );
    assert_eq!(browser.run(&show).await, json!([WIDTH_PX, HEIGHT_PX]), "{name}");
    let mut seen = [None; N_FRAMES];
    let begun = Instant::now();
    while seen.contains(&None) {
        let (shown, difference) = frames.shown(&read(&browser.picture().await));
        assert!(difference < LOSSLESS_MAX, "{name}: frame {shown} differs by {difference:.2}");
        seen[shown] = Some(difference);
        assert!(begun.elapsed() < Duration::from_secs(20), "{name}: {seen:?}");
    }
}
