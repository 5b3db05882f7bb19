//! The weights that come with Packshot: four of the sets that Intel publishes with Open Image Denoise, unchanged.

/// A set of weights that comes with Packshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightSet {
    /// 920,000 numbers; trusts its guides, which must be free of noise.
    CleanGuides,
    /// 3.8 million numbers: more than twice the time, and less error; trusts its guides as well.
    CleanGuidesLarge,
    /// 920,000 numbers; for guides with noise of their own.
    NoisyGuides,
    /// 320,000 numbers: about half the time, and less detail.
    Small,
}

impl WeightSet {
    /// All of them.
    pub const ALL: [WeightSet; 4] =
        [WeightSet::CleanGuides, WeightSet::CleanGuidesLarge, WeightSet::NoisyGuides, WeightSet::Small];

    /// The name under which Open Image Denoise publishes it.
    pub fn name(self) -> &'static str {
        match self {
            WeightSet::CleanGuides => "rt_hdr_calb_cnrm",
            WeightSet::CleanGuidesLarge => "rt_hdr_calb_cnrm_large",
            WeightSet::NoisyGuides => "rt_hdr_alb_nrm",
            WeightSet::Small => "rt_hdr_alb_nrm_small",
        }
    }

    /// The file, as [`crate::tza`] reads it.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            WeightSet::CleanGuides => include_bytes!("../weights/rt_hdr_calb_cnrm.tza"),
            WeightSet::CleanGuidesLarge => include_bytes!("../weights/rt_hdr_calb_cnrm_large.tza"),
            WeightSet::NoisyGuides => include_bytes!("../weights/rt_hdr_alb_nrm.tza"),
            WeightSet::Small => include_bytes!("../weights/rt_hdr_alb_nrm_small.tza"),
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_weights_are_those_that_the_notice_names() {
        let notice = include_str!("../weights/NOTICE");
        for set in WeightSet::ALL {
            let sum: String = Sha256::digest(set.bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            let line = format!("{sum}  {}.tza", set.name());
            assert!(notice.lines().any(|named| named == line), "{line}");
        }
    }
}
