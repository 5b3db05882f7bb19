//! The boxes of an MP4 and its stream, each by a reader of its own.

use std::collections::BTreeMap;
use std::io::Read;

use openh264::decoder::Decoder;
use openh264::formats::YUVSource;

use super::*;
use crate::encode::testing::{opaque, psnr_db};

const MP4: MovieFormat = MovieFormat::Mp4(Quality::DEFAULT);

/// The content of every box by its path; containers are opened.
fn boxes(file: &[u8]) -> (Vec<String>, BTreeMap<String, Vec<u8>>) {
    fn walk(mut rest: &[u8], parent: &str, order: &mut Vec<String>, found: &mut BTreeMap<String, Vec<u8>>) {
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[..4].try_into().expect("four")) as usize;
            let path = format!("{parent}{}", String::from_utf8_lossy(&rest[4..8]));
            let content = &rest[8..length];
            order.push(path.clone());
            let skip = match path.rsplit('/').next().expect("a name") {
                "moov" | "trak" | "edts" | "mdia" | "minf" | "dinf" | "stbl" => Some(0),
                "stsd" => Some(8),
                "avc1" => Some(78),
                _ => None,
            };
            if let Some(skip) = skip {
                walk(&content[skip..], &format!("{path}/"), order, found);
            }
            found.insert(path, content.to_vec());
            rest = &rest[length..];
        }
    }
    let (mut order, mut found) = (Vec::new(), BTreeMap::new());
    walk(file, "", &mut order, &mut found);
    (order, found)
}

fn words(content: &[u8]) -> Vec<u32> {
    content.chunks_exact(4).map(|word| u32::from_be_bytes(word.try_into().expect("four"))).collect()
}

const STBL: &str = "moov/trak/mdia/minf/stbl/";

#[test]
fn boxes_say_what_is_there() {
    let n_frames = 30;
    let bytes = encode(MP4, &frames(&opaque(SIZE_PX[0], SIZE_PX[1]), n_frames));
    let (order, found) = boxes(&bytes);
    let top: Vec<_> = order.iter().filter(|path| !path.contains('/')).map(String::as_str).collect();
    assert_eq!(top, ["ftyp", "uuid", "moov", "free", "mdat"], "what players need stands before the frames");
    let ticks = n_frames * 512;
    assert_eq!(words(&found["moov/mvhd"])[1..6], [0, 0, 24 * 512, ticks, 1 << 16]);
    assert_eq!(words(&found["moov/trak/edts/elst"]), [0, 1, ticks, 0, 1 << 16]);
    assert_eq!(words(&found["moov/trak/mdia/mdhd"])[1..5], [0, 0, 24 * 512, ticks]);
    let track = words(&found["moov/trak/tkhd"]);
    assert_eq!((track[0], track[5], &track[19..]), (7, ticks, &[64 << 16, 48 << 16][..]));
    assert_eq!(words(&found[&format!("{STBL}stts")]), [0, 1, n_frames, 512]);
    assert_eq!(words(&found[&format!("{STBL}stss")]), [0, 2, 1, 25], "whole pictures once a second");
    let sizes = words(&found[&format!("{STBL}stsz")]);
    assert_eq!((sizes[2], sizes.len()), (n_frames, 3 + n_frames as usize));
    assert_eq!(sizes[3..].iter().sum::<u32>() as usize, found["mdat"].len());
    let first_at = words(&found[&format!("{STBL}stco")])[2] as usize;
    assert_eq!(bytes[first_at..], found["mdat"]);
    assert_eq!(found[&format!("{STBL}stsd/avc1/colr")], b"nclx\0\x01\0\x01\0\x01\0");
    assert_eq!(found["uuid"][16..], Metadata::full().provenance.xmp());
}

/// The stream as a decoder takes it: parameters and frames behind start codes.
fn stream(file: &[u8]) -> Vec<Vec<u8>> {
    let (_, found) = boxes(file);
    let configuration = &found[&format!("{STBL}stsd/avc1/avcC")];
    let (mut rest, mut parameters) = (&configuration[5..], Vec::new());
    for _ in 0..2 {
        let length = usize::from(u16::from_be_bytes([rest[1], rest[2]]));
        parameters.extend([&[0, 0, 0, 1], &rest[3..3 + length]].concat());
        rest = &rest[3 + length..];
    }
    assert!(rest.is_empty());
    let sizes = words(&found[&format!("{STBL}stsz")]);
    let mut frames = Cursor::new(&found["mdat"]);
    let mut packets = Vec::new();
    for size in &sizes[3..] {
        let mut sample = vec![0; *size as usize];
        frames.read_exact(&mut sample).expect("a frame");
        let mut packet = if packets.is_empty() { parameters.clone() } else { Vec::new() };
        let mut rest = &sample[..];
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (unit, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            packet.extend([&[0, 0, 0, 1], unit].concat());
            rest = after;
        }
        packets.push(packet);
    }
    packets
}

fn luma(yuv: &impl YUVSource) -> Vec<u8> {
    let (stride, width) = (yuv.strides().0, yuv.dimensions().0);
    yuv.y().chunks(stride).flat_map(|row| row[..width].to_vec()).collect()
}

#[test]
fn frames_decode_to_what_they_were() {
    let frames = frames(&gradient(SIZE_PX[0], SIZE_PX[1]), 26);
    let mut least_db = Vec::new();
    for quality in [40, 90, 100] {
        let bytes = encode(MovieFormat::Mp4(Quality::new(quality).expect("in range")), &frames);
        let mut decoder = Decoder::new().expect("the decoder");
        let packets = stream(&bytes);
        let psnr = packets.iter().zip(&frames).map(|(packet, frame)| {
            let decoded = decoder.decode(packet).expect("decodes").expect("a frame for each");
            let mut want = yuv::Yuv420::new(SIZE_PX);
            want.fill(frame);
            assert_eq!(decoded.dimensions(), (64, 48));
            psnr_db(&luma(&decoded), &want.luma)
        });
        least_db.push(psnr.fold(f64::INFINITY, f64::min));
    }
    assert!(least_db[0] > 28.0 && least_db[1] > 40.0 && least_db[2] > 44.0, "{least_db:?}");
}

/// The table is written behind the frames into the room that was left for it, whatever their number.
#[test]
fn the_room_for_the_table_is_enough() {
    let image = opaque(SIZE_PX[0], SIZE_PX[1]);
    for n_frames in [1, 2, 24, 25] {
        let (_, found) = boxes(&encode(MP4, &frames(&image, n_frames)));
        assert_eq!(words(&found[&format!("{STBL}stsz")])[2], n_frames);
    }
}
