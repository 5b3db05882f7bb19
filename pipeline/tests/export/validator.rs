//! The validator of Khronos, where `scripts/test` installs it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::tools::tool;

/// Prints a line for each file: its issues, as JSON.
const SCRIPT: &str = "const validator = require(process.argv[2]);\n\
    const fs = require('fs');\n\
    (async () => {\n\
      for (const file of process.argv.slice(3)) {\n\
        const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)));\n\
        console.log(JSON.stringify(report.issues));\n\
      }\n\
    })();\n";

pub(crate) struct Validator {
    package: PathBuf,
}

impl Validator {
    pub(crate) fn find() -> Option<Self> {
        let package = tool("gltf-validator/node_modules/gltf-validator");
        if package.is_none() {
            println!("skipped: gltf-validator is not installed");
        }
        Some(Self { package: package? })
    }

    /// What it says about each file.
    pub(crate) fn check(&self, files: &[(String, Vec<u8>)]) -> Vec<Value> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("validated-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let script = folder.join("check.js");
        std::fs::write(&script, SCRIPT).expect("room");
        let paths = files.iter().enumerate().map(|(i, (_, bytes))| {
            let path = folder.join(format!("{i}.glb"));
            std::fs::write(&path, bytes).expect("room");
            path
        });
        let paths: Vec<PathBuf> = paths.collect();
        let ran = Command::new("node").arg(&script).arg(&self.package).args(&paths).output().expect("node runs");
        std::fs::remove_dir_all(&folder).expect("it was made here");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let said = String::from_utf8(ran.stdout).expect("text");
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}
