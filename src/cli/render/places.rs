//! What the options of pictures read and write, before any product or target.

use std::path::PathBuf;

use super::args::{OutputArgs, PictureArgs, Planned};
use crate::cli::failure::Failure;
use crate::cli::places::Places;
use crate::cli::template::{TemplateFile, is_file_name};

impl PictureArgs {
    /// What is read beside the product, and what is written beside the pictures.
    ///
    /// # Errors
    /// `usage.conflict` where one of these is another.
    pub(crate) fn places(&self, planned: &Planned) -> Result<Places, Failure> {
        let mut places = Places::default();
        let given = &planned.given;
        let template = given.template.as_ref().filter(|name| is_file_name(name));
        let inputs = [
            (given.material_map.as_ref(), "--material-map"),
            (given.light.as_ref(), "--light"),
            (self.lut.lut.as_ref(), "--lut"),
            (self.design.design.as_ref(), "--design"),
            (template, "--template"),
        ];
        for (path, option) in inputs {
            path.map_or(Ok(()), |path| places.read(path, option))?;
        }
        if let Some((map, _)) = planned.template.as_ref().and_then(TemplateFile::light_map) {
            places.read(&map, "--template")?;
        }
        let OutputArgs { report, dump_shot, json, .. } = &self.output;
        let to_stdout = PathBuf::from("-");
        let outputs = [
            (json.then_some(&to_stdout), "--json"),
            (report.as_ref(), "--report"),
            (dump_shot.as_ref(), "--dump-shot"),
        ];
        for (path, option) in outputs {
            path.map_or(Ok(()), |path| places.write(path, option))?;
        }
        Ok(places)
    }
}
