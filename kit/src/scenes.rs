//! What is rendered on device and processor: every kind of material, light, ground and texture, as options of the
//! command.

use std::path::PathBuf;

use packshot_materials::library::Library;
use serde::Deserialize;

use crate::report::Fault;
use crate::setup::{Scale, Setup};

/// Balls of the sample bearing, each of which shows a material.
const N_BALLS: usize = 9;

/// A picture that device and processor both render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    /// The name of its file.
    pub(crate) name: String,
    args: Vec<String>,
    /// Width, height and samples.
    size: [u32; 3],
}

/// A scene of the kit's file `scenes.json`; its paths are relative to the kit.
#[derive(Deserialize)]
struct Listed {
    name: String,
    args: Vec<String>,
}

impl Scene {
    pub(crate) fn new(name: &str, size: [u32; 3], args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { name: name.to_owned(), args, size }
    }

    fn file_name(&self) -> String {
        let [width, height, samples] = self.size;
        format!("{}-{width}x{height}x{samples}.png", self.name)
    }

    /// Renders the picture; returns its file and the program's result.
    pub(crate) fn draw(
        &self,
        setup: &Setup,
        device: &str,
        folder: &str,
    ) -> Result<(PathBuf, serde_json::Value), Fault> {
        let path = setup.folder(folder)?.join(self.file_name());
        let [width, height, samples] = self.size.map(|value| value.to_string());
        // Equal samples with equal random numbers; scenes that need denoising say so.
        let film = ["--width", &width, "--height", &height, "--samples", &samples, "--noise", "0", "--seed", "7"];
        let is_denoised = self.args.iter().any(|arg| arg == "--denoise");
        let own = self.args.iter().map(|arg| setup.expanded(arg));
        let mut args: Vec<String> = own.chain(film.into_iter().map(str::to_owned)).collect();
        if setup.is_plain() && !args.iter().any(|arg| arg == "--material" || arg == "--clay") {
            args.push("--clay".to_owned());
        }
        if !is_denoised {
            args.extend(["--denoise", "off"].map(str::to_owned));
        }
        args.extend(["-o".to_owned(), path.display().to_string()]);
        let result = setup.render(device, &args)?;
        Ok((path, result))
    }

    /// The processor's picture: from the kit, or rendered now.
    pub(crate) fn expected(&self, setup: &Setup) -> Result<PathBuf, Fault> {
        match setup.asset("expected").map(|folder| folder.join(self.file_name())).filter(|path| path.exists()) {
            Some(path) => Ok(path),
            None => Ok(self.draw(setup, "cpu", "pictures/expected")?.0),
        }
    }
}

impl Setup {
    /// An argument with `{kit}` replaced by the kit's folder.
    fn expanded(&self, arg: &str) -> String {
        match &self.kit {
            Some(kit) => arg.replace("{kit}", &kit.display().to_string()),
            None => arg.to_owned(),
        }
    }
}

/// The scenes of a scale: the built-in ones, then those of the kit.
pub(crate) fn scenes(setup: &Setup) -> Result<Vec<Scene>, Fault> {
    let size = setup.scale.pick([96, 72, 8], [48, 36, 4], [240, 180, 32]);
    let scene = |name: &str, args: &[&str]| {
        let of_bearing = ["--sample", "bearing"];
        Scene::new(name, size, &[&of_bearing[..], args].concat())
    };
    let mut all = vec![
        scene("ground_reflection", &["--ground", "reflection"]),
        scene("light_contrast", &["--light", "studio_contrast", "--background", "environment"]),
    ];
    if !setup.is_plain() {
        all.extend([
            scene("light_soft", &["--light", "studio_soft", "--light-rotation-deg", "70", "--view", "top"]),
            scene("light_three_point", &["--light", "three_point", "--elevation-deg", "-30"]),
            scene("light_white", &["--light", "white", "--ortho"]),
            scene("ground_shadow", &["--ground", "shadow", "--light", "studio_contrast"]),
            scene("ground_floor", &["--ground", "floor", "--ground-color", "#3050A0", "--ground-roughness", "0.2"]),
            scene("ground_sweep", &["--ground", "sweep", "--light", "three_point"]),
            scene("lens", &["--lens-mm", "35", "--dof", "1.4", "--focus", "Ball_01"]),
            scene("clay", &["--clay", "--edges"]),
            scene(
                "neutral",
                &["--view-transform", "khronos_neutral", "--exposure-ev", "0.5", "--background", "#204060"],
            ),
        ]);
        all.extend(material_scenes(size));
    }
    if setup.scale == Scale::Full
        && let Some(list) = setup.asset("scenes.json")
    {
        let bytes = std::fs::read(&list).map_err(|reason| Fault::of_file(&list, &reason))?;
        let listed: Vec<Listed> =
            serde_json::from_slice(&bytes).map_err(|error| Fault::new(format!("{}: {error}", list.display())))?;
        all.extend(listed.into_iter().map(|Listed { name, args }| Scene { name, args, size }));
    }
    Ok(all)
}

/// Every material of the library, nine at a time, on balls that fill the picture.
fn material_scenes(size: [u32; 3]) -> Vec<Scene> {
    let ids: Vec<&str> = Library::builtin().materials().iter().map(|material| material.id.as_str()).collect();
    let scene = |(i, ids): (usize, &[&str])| {
        let worn = (1..).zip(ids).flat_map(|(ball, id)| ["--material".to_owned(), format!("Ball_0{ball}={id}")]);
        let view = ["--sample", "bearing", "--only", "Ball_*", "--view", "front", "--background", "environment"];
        let args = view.into_iter().map(str::to_owned).chain(worn).collect();
        Scene { name: format!("materials_{i}"), args, size }
    };
    ids.chunks(N_BALLS).enumerate().map(scene).collect()
}

/// The sample bearing, which people look at.
pub(crate) fn bearing(scale: Scale) -> Scene {
    Scene::new("bearing", scale.pick([192, 192, 16], [64, 64, 4], [640, 640, 64]), &["--sample", "bearing"])
}

/// The sample bearing of clay on a blue floor, denoised. Of clay: on ground steel, whose fine structures amplify how
/// devices round, they have another noise, and another picture when that is removed, however exactly.
pub(crate) fn denoised(scale: Scale) -> Scene {
    let size = scale.pick([256, 144, 8], [64, 64, 4], [1920, 1080, 16]);
    let floor = ["--ground", "floor", "--ground-color", "#3050A0", "--ground-roughness", "0.2"];
    Scene::new("denoised", size, &[&["--sample", "bearing", "--clay", "--denoise", "on"], &floor[..]].concat())
}

/// Bodies that lose no light, in white light before a white background: each pixel shows the light itself, as 0.5.
pub(crate) fn furnace(scale: Scale, library: &str) -> Scene {
    let size = scale.pick([96, 96, 64], [48, 48, 16], [256, 256, 256]);
    let balls = if scale == Scale::Reduced { "Ball_0[12345789]" } else { "Ball_*" };
    let mut args = vec!["--sample", "bearing", "--only", balls, "--view", "front", "--library", library];
    args.extend(["--light", "white", "--background", "environment", "--view-transform", "raw"]);
    args.extend(["--exposure-ev", "-1", "--max-bounces", "64", "--bit-depth", "16"]);
    // Glass would need another kernel.
    let is_worn = |material: &&&str| scale != Scale::Reduced || !material.ends_with("990006");
    for material in FURNACE.iter().filter(is_worn) {
        args.extend(["--material", material]);
    }
    Scene::new("furnace", size, &args)
}

/// What the balls of the furnace wear.
const FURNACE: [&str; 9] = [
    "Ball_01=990001",
    "Ball_02=990002",
    "Ball_03=990003",
    "Ball_04=990004",
    "Ball_05=990005",
    "Ball_06=990006",
    "Ball_07=990001",
    "Ball_08=990003",
    "Ball_09=990005",
];

/// A library of materials that lose no light.
pub(crate) const FURNACE_LIBRARY: &str = include_str!("scenes/furnace.toml");

/// Renders on the processor what the kit's trials expect, into its folder `expected`; returns the number of pictures.
///
/// # Errors
/// When a picture cannot be rendered, with its name.
pub fn draw_expected(setup: &Setup, told: &dyn Fn(&str)) -> Result<usize, Fault> {
    let mut all = scenes(setup)?;
    all.extend([bearing(setup.scale), denoised(setup.scale)]);
    for scene in &all {
        told(&scene.name);
        scene.draw(setup, "cpu", "expected").map_err(|fault| Fault::new(format!("{}: {fault}", scene.name)))?;
    }
    Ok(all.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_material_of_the_library_is_worn() {
        let scenes = material_scenes([1; 3]);
        let worn: BTreeSet<&str> =
            scenes.iter().flat_map(|scene| &scene.args).filter_map(|arg| Some(arg.split_once('=')?.1)).collect();
        assert_eq!(worn.len(), Library::builtin().materials().len());
    }

    #[test]
    fn pictures_have_files_of_their_own() {
        let setup = Setup {
            program: PathBuf::new(),
            kit: None,
            results: PathBuf::new(),
            device: String::new(),
            adapter: None,
            scale: Scale::Full,
            limit: std::time::Duration::from_secs(1),
            cache: None,
        };
        let mut all = scenes(&setup).expect("no kit, no file");
        all.extend([bearing(Scale::Full), denoised(Scale::Full), furnace(Scale::Full, "")]);
        let names: BTreeSet<String> = all.iter().map(Scene::file_name).collect();
        assert_eq!(names.len(), all.len());
    }
}
