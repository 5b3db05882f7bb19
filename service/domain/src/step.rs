//! Names of process steps: the single source for log prefixes, task names and records in documents.

use super::task::QueueName;
use super::words::words;
use super::workflow::ContextKind;

words! {
    /// A process step.
    pub enum StepName {
        /// Takes an uploaded CAD file
        UploadStep = "upload_step",
        /// Reads the rows of a product import
        ParseExcel = "parse_excel",
        /// Reads names, extent and unit of a CAD file
        ExtractMetadata = "extract_metadata",
        /// Finds the CAD file of a product
        ResolveStepPath = "resolve_step_path",
        /// Makes a GLB of a CAD file
        OccGlbExport = "occ_glb_export",
        /// Decides which material each part has
        ResolveMaterials = "resolve_materials",
        /// Collects what an order line needs
        OrderLineSetup = "order_line_setup",
        /// Finds the render template
        ResolveTemplate = "resolve_template",
        /// Renders a small picture
        RenderThumbnail = "render_thumbnail" | "blender_render",
        /// Renders one picture
        RenderStill = "render_still" | "blender_still",
        /// Renders a movie of the turning product
        RenderTurntable = "render_turntable" | "blender_turntable",
        /// Renders pictures from several sides
        RenderViews = "render_views",
        /// Lays a design onto a product
        ComposeDesign = "compose_design",
        /// Writes a GLB with materials for viewers
        ExportGlb = "export_glb",
        /// Writes a GLB for production
        ExportProductionGlb = "export_production_glb" | "export_blend",
        /// Publishes a thumbnail
        ThumbnailSave = "thumbnail_save",
        /// Publishes a result
        OutputSave = "output_save",
        /// Ties results to the product's media
        AssociateMedia = "associate_media",
        /// Tells people
        Notify = "notify",
        /// Delivers results to another system
        Deliver = "deliver",
    }
}

/// When a step of a workflow does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Within the dispatch.
    Inline,
    /// As a task of this queue.
    Queued(QueueName),
    /// It completes within the dispatch, and has its work done by the tasks before it.
    HandOff,
}

impl StepKind {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Queued(_) => "queued",
            Self::HandOff => "hand_off",
        }
    }

    /// The queue of its tasks.
    #[must_use]
    pub const fn queue(self) -> Option<QueueName> {
        match self {
            Self::Queued(queue) => Some(queue),
            Self::Inline | Self::HandOff => None,
        }
    }
}

impl StepName {
    /// When it does its work (workflow.md §3).
    #[must_use]
    pub const fn kind(self) -> StepKind {
        match self {
            Self::UploadStep
            | Self::ParseExcel
            | Self::ResolveStepPath
            | Self::ResolveMaterials
            | Self::OrderLineSetup
            | Self::ResolveTemplate => StepKind::Inline,
            Self::ExtractMetadata
            | Self::OccGlbExport
            | Self::ComposeDesign
            | Self::ExportGlb
            | Self::ExportProductionGlb => StepKind::Queued(QueueName::Convert),
            Self::RenderThumbnail | Self::RenderStill | Self::RenderTurntable | Self::RenderViews => {
                StepKind::Queued(QueueName::Render)
            }
            Self::ThumbnailSave | Self::OutputSave | Self::AssociateMedia | Self::Notify | Self::Deliver => {
                StepKind::HandOff
            }
        }
    }

    /// What it can be run on.
    #[must_use]
    pub const fn contexts(self) -> &'static [ContextKind] {
        match self {
            Self::UploadStep
            | Self::ExtractMetadata
            | Self::ResolveStepPath
            | Self::OccGlbExport
            | Self::RenderThumbnail
            | Self::ExportGlb
            | Self::ThumbnailSave => &[ContextKind::OrderLine, ContextKind::CadFile],
            _ => &[ContextKind::OrderLine],
        }
    }

    /// What lines of the log about this step begin with: `[RENDER_STILL]`.
    #[must_use]
    pub fn log_prefix(self) -> String {
        format!("[{}]", self.as_str().to_ascii_uppercase())
    }

    /// A line of the log about this step. It stays one line: control characters of `message` become spaces.
    #[must_use]
    pub fn log_line(self, message: &str) -> String {
        log_line(self.as_str(), message)
    }
}

/// A line of the log about something with a name. It stays one line: control characters of `message` become spaces.
pub(super) fn log_line(name: &str, message: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let message: String = message.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
    format!("[{}] {}", name.to_ascii_uppercase(), message.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r45_prefixes_come_from_the_registry() {
        assert_eq!(StepName::ALL.len(), 20);
        for step in StepName::ALL {
            assert_eq!(step.log_prefix(), format!("[{}]", step.as_str().to_uppercase()));
        }
        assert_eq!(StepName::RenderStill.log_prefix(), "[RENDER_STILL]");
    }

    #[test]
    fn r45_a_line_stays_one_line() {
        let line = StepName::ExportGlb.log_line("a\r\nb\u{1b}[31m\u{85}c\u{2028}d\n");
        assert_eq!(line, "[EXPORT_GLB] a  b [31m c d");
        assert!(!line.contains(char::is_control));
    }

    #[test]
    fn old_names_are_read_and_new_ones_written() {
        let pairs = [
            ("blender_still", "render_still"),
            ("blender_turntable", "render_turntable"),
            ("blender_render", "render_thumbnail"),
            ("export_blend", "export_production_glb"),
        ];
        for (old, new) in pairs {
            assert_eq!(old.parse::<StepName>().map(StepName::as_str), Ok(new), "C30");
        }
    }
}
