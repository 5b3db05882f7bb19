//! `packshot turntable -o OUT.mp4` and its like: movies that hold the frames they say, and go on where they were ended.

use std::io::Cursor;
use std::process::Stdio;

use image::AnimationDecoder;
use image::codecs::webp::WebPDecoder;

use crate::picture::pixels;
use crate::workplace::{Outcome, TINY, Workplace};

const FORMATS: [&str; 3] = ["mp4", "webp", "apng"];

/// The formats of this build.
fn formats() -> impl Iterator<Item = &'static str> {
    FORMATS.into_iter().filter(|format| cfg!(feature = "h264") || *format != "mp4")
}

fn turntable(workplace: &Workplace, output: &str, more: &[&str]) -> Outcome {
    workplace.run(&[&["turntable", "boxes.glb", "--view", "three_quarter", "-o", output], more, &TINY].concat())
}

/// The frames of an animated WebP or PNG.
fn frames(movie: &[u8]) -> Vec<Vec<[u8; 4]>> {
    if movie.starts_with(b"RIFF") {
        let decoder = WebPDecoder::new(Cursor::new(movie)).expect("a WebP");
        let frames = decoder.into_frames().map(|frame| frame.expect("a frame").into_buffer().into_raw());
        return frames.map(|bytes| bytes.as_chunks().0.to_vec()).collect();
    }
    let mut reader = png::Decoder::new(Cursor::new(movie)).read_info().expect("a PNG");
    let n_frames = reader.info().animation_control().expect("animated").num_frames;
    let frame = |_| {
        let mut bytes = vec![0; reader.output_buffer_size().expect("small")];
        reader.next_frame(&mut bytes).expect("pixels");
        bytes.as_chunks().0.to_vec()
    };
    (0..n_frames).map(frame).collect()
}

/// The content of a box of an MP4, by the names that lead to it.
fn find_box<'a>(mut rest: &'a [u8], path: &[&str]) -> Option<&'a [u8]> {
    let (name, below) = path.split_first()?;
    while let Some((length, _)) = rest.split_first_chunk::<4>() {
        let (this, after) = rest.split_at(u32::from_be_bytes(*length) as usize);
        if &this[4..8] == name.as_bytes() {
            return if below.is_empty() { Some(&this[8..]) } else { find_box(&this[8..], below) };
        }
        rest = after;
    }
    None
}

/// The sizes of an MP4's frames, in bytes; all of them lie in the file.
fn frame_sizes(movie: &[u8]) -> Vec<usize> {
    let sizes = find_box(movie, &["moov", "trak", "mdia", "minf", "stbl", "stsz"]).expect("a table of frames");
    let words = sizes.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word) as usize);
    let sizes: Vec<usize> = words.skip(3).collect();
    assert_eq!(sizes.iter().sum::<usize>(), find_box(movie, &["mdat"]).expect("frames").len());
    sizes
}

fn names(format: &str) -> (String, String) {
    (format!("a.{format}"), format!("a.{format}.frames"))
}

#[test]
fn movies_hold_the_frames_of_the_turn_and_loop_without_repeating_one() {
    let workplace = Workplace::new();
    turntable(&workplace, "frames/", &["--frames", "8"]).done();
    let still = |name: &str| pixels(&workplace.read(name));
    let turn: Vec<_> = (0..8).map(|k| still(&format!("frames/frame_{k:04}.png"))).collect();
    for format in formats() {
        let (movie, folder) = names(format);
        let result = turntable(&workplace, &movie, &["--frames", "8", "--fps", "16", "--json"]).done().json();
        let bytes = workplace.read(&movie);
        let said = &result["movie"];
        assert_eq!((said["output"].as_str(), said["format"].as_str()), (Some(movie.as_str()), Some(format)));
        assert_eq!(
            (said["frames"].as_u64(), said["fps"].as_u64(), said["seconds"].as_f64()),
            (Some(8), Some(16), Some(0.5))
        );
        assert_eq!((said["bytes"].as_u64(), said["kept"].as_bool()), (Some(bytes.len() as u64), Some(false)));
        assert!(said["encode_ms_mean"].as_f64().expect("ms") > 0.0, "{said}");
        assert_eq!((result["rendered"].as_u64(), result["frames"][7]["output"].as_str()), (Some(8), None));
        assert!(!workplace.path(&folder).exists(), "frames are kept no longer than it takes");
        match format {
            "mp4" => assert_eq!(frame_sizes(&bytes).len(), 8),
            _ => assert!(frames(&bytes) == turn, "{format}"),
        }
    }
    // The last frame is one step short of the first: what the first step the other way around shows.
    turntable(&workplace, "back/", &["--frames", "8", "--direction", "cw", "--frames-range", "1..2"]).done();
    assert!(turn[7] == still("back/frame_0001.png") && turn[7] != turn[0]);
}

#[test]
fn an_apng_of_16_bits_has_16_bits() {
    let workplace = Workplace::new();
    let deep = ["--frames", "2", "--bit-depth", "16"];
    turntable(&workplace, "a.apng", &deep).done();
    turntable(&workplace, "frames/", &deep).done();
    let (movie, still) = (workplace.read("a.apng"), workplace.read("frames/frame_0000.png"));
    assert_eq!((movie[24], still[24]), (16, 16), "the depth stands in the header");
    assert!(frames(&movie)[0] == frames_of_still(&still));
}

fn frames_of_still(png: &[u8]) -> Vec<[u8; 4]> {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("small")];
    reader.next_frame(&mut bytes).expect("pixels");
    bytes.as_chunks().0.to_vec()
}

#[test]
fn a_movie_has_the_same_bytes_wherever_its_frames_come_from() {
    let workplace = Workplace::new();
    for format in formats() {
        let (movie, folder) = names(format);
        turntable(&workplace, &movie, &["--frames", "6"]).done();
        let whole = workplace.read(&movie);
        std::fs::remove_file(workplace.path(&movie)).expect("removed");
        // Frames in the middle and at the end are there, and the rest of a movie that was ended.
        for range in ["2..3", "4..6"] {
            turntable(&workplace, &format!("{folder}/"), &["--frames", "6", "--frames-range", range]).done();
        }
        workplace.write(&format!("{folder}/movie.partial"), &[7; 1 << 16]);
        let result = turntable(&workplace, &movie, &["--frames", "6", "--json"]).done().json();
        assert_eq!((result["kept"].as_u64(), result["rendered"].as_u64()), (Some(3), Some(3)), "{format}");
        assert!(workplace.read(&movie) == whole, "{format}");
    }
}

#[test]
fn a_killed_movie_goes_on_to_the_same_bytes() {
    let workplace = Workplace::new();
    let movie = if cfg!(feature = "h264") { "movie.mp4" } else { "movie.webp" };
    let slow = ["--frames", "16", "--samples", "200", "--noise", "0", "--width", "48", "--height", "48"];
    let run = [&["turntable", "boxes.glb", "-o", movie], &slow[..]].concat();
    let begun = std::time::Instant::now();
    workplace.run(&run).done();
    let frame = begun.elapsed() / 16;
    let whole = workplace.read(movie);
    std::fs::remove_file(workplace.path(movie)).expect("removed");
    let mut child = workplace.command(&run).spawn().expect("starts");
    let sixth = workplace.path(&format!("{movie}.frames/frame_0005.png"));
    while !sixth.exists() {
        assert!(child.try_wait().expect("asked").is_none(), "it ended before it could be killed");
        std::thread::sleep(frame / 4);
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert!(!workplace.path(movie).exists(), "a movie is there when it is whole");
    let result = workplace.run(&[&run[..], &["--json"]].concat()).done().json();
    let (kept, rendered) = (result["kept"].as_u64().expect("n"), result["rendered"].as_u64().expect("n"));
    assert!(kept >= 1 && kept + rendered == 16, "{kept} kept, {rendered} rendered");
    assert!(workplace.read(movie) == whole);
    assert_eq!(workplace.files(), ["boxes.glb", movie]);
}

#[test]
fn a_movie_that_is_there_is_not_made_again_and_another_not_replaced_unasked() {
    let workplace = Workplace::new();
    for format in formats() {
        let (movie, _) = names(format);
        let run = |more: &[&str]| turntable(&workplace, &movie, &[&["--frames", "4"], more].concat());
        run(&[]).done();
        let whole = workplace.read(&movie);
        let again = run(&["--json"]).done().json();
        assert_eq!((again["rendered"].as_u64(), again["kept"].as_u64()), (Some(0), Some(4)));
        assert_eq!(
            (again["movie"]["kept"].as_bool(), again["movie"]["bytes"].as_u64()),
            (Some(true), Some(whole.len() as u64))
        );
        assert!(run(&[]).done().stderr.contains("already there"));
        for more in [&["--seed", "1"][..], &["--fps", "25"], &["--stride", "2"], &["--direction", "cw"]] {
            run(more).expect_error(6, "output.other_sequence", &movie);
        }
        assert!(workplace.read(&movie) == whole, "nothing was touched");
        assert_eq!(run(&["--seed", "1", "--overwrite", "--json"]).done().json()["rendered"].as_u64(), Some(4));
        assert!(workplace.read(&movie) != whole);
        // Half a movie, or something else, is not taken for it.
        for bytes in [&whole[..whole.len() - 9], b"", b"a picture of something else"] {
            workplace.write(&movie, bytes);
            run(&[]).expect_error(6, "output.other_sequence", &movie);
        }
        std::fs::remove_file(workplace.path(&movie)).expect("removed");
        assert_eq!(workplace.files(), ["boxes.glb"], "no folder of frames stays");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_frames_and_says_how_to_go_on() {
    let workplace = Workplace::new();
    let endless = ["-o", "a.webp", "--frames", "1000", "--samples", "64", "--width", "64", "--height", "64"];
    let mut command = workplace.command(&[&["turntable", "boxes.glb"], &endless[..]].concat());
    let child = command.stderr(Stdio::piped()).spawn().expect("starts");
    while !workplace.path("a.webp.frames/frame_0002.png").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let outcome = Outcome::from(child.wait_with_output().expect("ends"));
    assert_eq!(outcome.code, 130);
    assert!(outcome.stderr.contains("finished frames are kept: the same command continues"), "{}", outcome.stderr);
    assert!(workplace.path("a.webp.frames/turntable.json").exists() && !workplace.path("a.webp").exists());
    assert!(!workplace.path("a.webp.frames/movie.partial").exists(), "half a movie is of no use");
}

#[test]
fn wrong_usage_of_movies() {
    let workplace = Workplace::new();
    for folder in ["folder", "folder.mp4"] {
        std::fs::create_dir(workplace.path(folder)).expect("made");
    }
    for (args, exit, code, at) in [
        ("-o folder.mp4", 2, "usage.invalid_value", "-o"),
        ("-o a.webp --width 16384 --height 8", 2, "encode.too_large", ""),
        ("-o a.mp4 --format png", 2, "usage.conflict", "--format"),
        ("-o a.mp4 --exr half", 2, "usage.conflict", "--exr"),
        ("-o a.mp4 --aov samples", 2, "usage.conflict", "--aov"),
        ("-o a.mp4 --bit-depth 8", 2, "usage.conflict", "--bit-depth"),
        ("-o a.webp --dpi 300", 2, "usage.conflict", "--dpi"),
        ("-o a.apng --quality 50", 2, "usage.conflict", "--quality"),
        ("-o a.apng --bit-depth 10", 2, "usage.conflict", "--bit-depth"),
        ("-o a.mp4 --preset amazon_360", 2, "usage.conflict", "-o"),
        ("-o a.mov", 2, "usage.invalid_value", "-o"),
        ("-o missing/a.apng", 6, "output.not_written", "missing/a.apng"),
    ] {
        let args = [&["turntable", "boxes.glb"], &args.split_whitespace().collect::<Vec<_>>()[..]].concat();
        workplace.run(&args).expect_error(exit, code, at);
    }
    let odd = ["turntable", "boxes.glb", "-o", "a.mp4", "--width", "33", "--height", "24"];
    let code = if cfg!(feature = "h264") { "encode.odd_size" } else { "encode.not_built" };
    workplace.run(&odd).expect_error(2, code, "");
    assert_eq!(workplace.files(), ["boxes.glb", "folder", "folder.mp4"], "nothing is written");
}
