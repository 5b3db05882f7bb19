//! A glTF file and the files beside it, as one: what a `.gltf` names in its own folder is read and put into it.
//!
//! Input: the path of a `.gltf` and its bytes. Output: the same document with those files embedded as data URIs (glTF
//! 2.0 section 3.6.1.1), and a finding for each. Nothing outside of the folder is opened, links followed: an address
//! that leads elsewhere stays as it is, and the importer refuses it.

use std::fs::File;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use packshot::error::Fault;
use packshot_materials::name::one_line;
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use packshot_words::why_unread;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::failure::{Exit, Failure};
use super::files::{self, InputKind};

/// Objects that may name files.
const LISTS: [&str; 2] = ["buffers", "images"];

/// Embeds the files that a glTF file names beside it. Other files, and what is no readable JSON, stay as they are.
///
/// # Errors
/// `glb.header` for a shot file; `glb.external_uri` for a file that is not there or cannot be read; `glb.limit` for
/// more bytes than a product may have.
pub(crate) fn embed(path: &Path, bytes: Vec<u8>) -> Result<(Vec<u8>, Vec<Diagnostic>), Failure> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    if !text.trim_ascii_start().starts_with(b"{") {
        return Ok((bytes, Vec::new()));
    }
    let Ok(mut document) = serde_json::from_slice::<Value>(text) else { return Ok((bytes, Vec::new())) };
    if document["schema"].as_str().is_some_and(|schema| schema.starts_with("packshot-shot/")) {
        let fault = Fault::new("glb.header", "this is a shot file, not a product").at(path.display().to_string());
        return Err(Failure::new(Exit::Input, fault.help("render it with `--shot FILE`")));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut findings = Vec::new();
    let mut bytes_left = InputKind::Glb.bytes_max();
    for list in LISTS {
        let objects = document.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (i, object) in objects.enumerate() {
            let at = format!("/{list}/{i}/uri");
            let Some(Value::String(uri)) = object.get_mut("uri") else { continue };
            let Some(file) = beside(folder, uri, &at)? else { continue };
            let refused = |code: &str, message: String, help: &str| {
                Failure::new(Exit::Input, Fault::new(code, message).at(at.clone()).help(help))
            };
            let name = one_line(uri);
            let read = File::open(&file).and_then(|mut file| files::read_at_most(&mut file, bytes_left));
            let content = read.map_err(|reason| {
                let message = format!("`{name}` cannot be read: {}", why_unread(&reason));
                refused("glb.external_uri", message, "put it beside the product")
            })?;
            let content = content.ok_or_else(|| {
                refused("glb.limit", format!("`{name}` is too large"), "give a product of less than 4 GiB")
            })?;
            bytes_left -= content.len() as u64;
            findings.push(Diagnostic {
                code: "external_file_read",
                severity: Severity::Info,
                at,
                message: format!("`{name}` was read from the folder of the product: {} bytes", content.len()),
            });
            *uri = format!("data:application/octet-stream;base64,{}", STANDARD.encode(content));
        }
    }
    match findings.is_empty() {
        true => Ok((bytes, findings)),
        false => Ok((document.to_string().into_bytes(), findings)),
    }
}

/// The file that an address names in the folder or below; `None` for one that is embedded or leads elsewhere.
fn beside(folder: &Path, uri: &str, at: &str) -> Result<Option<PathBuf>, Failure> {
    // A scheme ends at a colon, a host begins with two slashes; Windows reads backslashes as slashes.
    if uri.is_empty() || uri.contains([':', '\\', '\0']) || uri.starts_with('/') {
        return Ok(None);
    }
    let Ok(name) = percent_decode_str(uri).decode_utf8() else { return Ok(None) };
    if name.contains([':', '\\', '\0']) || name.starts_with('/') {
        return Ok(None);
    }
    let refused = |message: String| {
        let fault = Fault::new("glb.external_uri", message).at(at);
        Failure::new(Exit::Input, fault.help("put it beside the product, or give a .glb, which contains everything"))
    };
    let shown = one_line(uri);
    let within = folder.canonicalize();
    let within = within.map_err(|reason| refused(format!("the folder cannot be read: {}", why_unread(&reason))))?;
    let file = folder.join(&*name).canonicalize().map_err(|reason| {
        refused(format!("the product names `{shown}`, which cannot be read: {}", why_unread(&reason)))
    })?;
    Ok((file.starts_with(&within) && file.is_file()).then_some(file))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn embedded(folder: &Path, uri: &str) -> Result<(Value, usize), Failure> {
        let path = folder.join("product.gltf");
        let document = json!({"asset": {"version": "2.0"}, "buffers": [{"byteLength": 3, "uri": uri}]});
        let (bytes, findings) = embed(&path, document.to_string().into_bytes())?;
        Ok((serde_json::from_slice(&bytes).expect("JSON"), findings.len()))
    }

    #[test]
    fn files_of_the_folder_are_embedded_and_told() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("product");
        fs::create_dir_all(folder.join("textures")).expect("made");
        fs::write(folder.join("textures/a b.bin"), b"abc").expect("written");
        for uri in ["textures/a%20b.bin", "textures/a b.bin", "./textures/../textures/a%20b.bin"] {
            let (document, n_findings) = embedded(&folder, uri).expect("reads");
            let expected = "data:application/octet-stream;base64,YWJj";
            assert_eq!((document["buffers"][0]["uri"].as_str(), n_findings), (Some(expected), 1), "{uri}");
        }
        let failure = embedded(&folder, "textures/none.bin").expect_err("is not there");
        assert_eq!(
            (failure.faults[0].code.as_str(), failure.faults[0].at.as_str()),
            ("glb.external_uri", "/buffers/0/uri")
        );
    }

    #[test]
    fn nothing_outside_of_the_folder_is_opened() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("product");
        fs::create_dir(&folder).expect("made");
        fs::write(root.path().join("secret.bin"), b"abc").expect("written");
        let absolute = root.path().join("secret.bin").display().to_string();
        let file_uri = format!("file://{absolute}");
        let mut uris =
            vec!["../secret.bin", "%2e%2e/secret.bin", "..%2Fsecret.bin", &*absolute, &*file_uri, "http://a/b.bin"];
        uris.extend(["\\\\host\\share\\b.bin", "//host/b.bin", "data:,abc", "%FF.bin", ".", "a%00.bin"]);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root.path().join("secret.bin"), folder.join("link.bin")).expect("linked");
            uris.push("link.bin");
        }
        for uri in uris {
            let (document, n_findings) = embedded(&folder, uri).unwrap_or_else(|failure| panic!("{uri}: {failure:?}"));
            assert_eq!((document["buffers"][0]["uri"].as_str(), n_findings), (Some(uri), 0));
        }
    }

    #[test]
    fn what_names_no_file_stays_as_it_is() {
        for bytes in [&b"glTF\x02\0\0\0"[..], b"{\"buffers\": [", b"{ \"buffers\": 3 }", b"", b"[]"] {
            let (kept, findings) = embed(Path::new("product.gltf"), bytes.to_vec()).expect("no fault");
            assert_eq!((&*kept, findings.len()), (bytes, 0));
        }
    }
}
