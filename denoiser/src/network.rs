//! The graph of the U-Net, derived from the tensors of a file.
//!
//! An encoder of levels that halve the resolution, each with convolutions and 2×2 max pooling; the bottom level; and a
//! decoder that doubles the resolution and adds skip connections from the encoder. All convolutions are 3×3 with zero
//! padding, followed by ReLU. Source of the graph: `core/` of <https://github.com/RenderKit/oidn>.

use crate::error::WeightsError;
use crate::tza::Tensor;

/// How often the resolution is halved.
pub const LEVELS: usize = 4;
/// Tile sides are multiples of this, so that every level has whole pixels.
pub const ALIGNMENT_PX: usize = 1 << LEVELS;
/// Taps of a convolution.
pub const TAPS: usize = 9;
/// Taps along a side of a window.
pub const SIDE: usize = 3;
/// Which rows (or columns) of a window make up each row of taps, for an input of the output's resolution.
pub const SAME_TAPS: [&[usize]; 3] = [&[0], &[1], &[2]];
/// The same for an input of half the resolution. A 3×3 window over doubled pixels covers 2×2 of the original ones;
/// which ones depends on whether row and column of the output are even (first) or odd. There are therefore four sets of
/// 2×2 weights, each sums of the 3×3 ones, for less than half the work.
pub const DOUBLED_TAPS: [[&[usize]; 2]; 2] = [[&[0], &[1, 2]], [&[0, 1], &[2]]];
/// More channels than any published network has.
const CHANNELS_MAX: usize = 1024;

/// The layers of a network, in order of execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Channels per pixel of the input: colour, then albedo, then normal.
    pub n_inputs: usize,
    /// The encoder, the finest level first; the output of each level, pooled, is the input of the next.
    pub encoder: [Vec<Convolution>; LEVELS],
    /// At the lowest resolution.
    pub bottom: Vec<Convolution>,
    /// The decoder, the coarsest level first. The first convolution of a level takes the level below it, doubled,
    /// followed by the skip connection: the input of the encoder at this resolution.
    pub decoder: [Vec<Convolution>; LEVELS],
}

/// One 3×3 convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Such as `enc_conv0`.
    pub name: String,
    /// Input channels.
    pub n_inputs: usize,
    /// Output channels.
    pub n_outputs: usize,
    /// By output, input, row, column.
    pub weights: Vec<f32>,
    /// By output.
    pub biases: Vec<f32>,
}

impl Convolution {
    /// The sum of the weights over some rows and columns of the window; 0 for an output or input that does not exist.
    pub fn weight(&self, output: usize, input: usize, rows: &[usize], columns: &[usize]) -> f32 {
        if output >= self.n_outputs || input >= self.n_inputs {
            return 0.0;
        }
        let taps = &self.weights[(output * self.n_inputs + input) * TAPS..];
        rows.iter().flat_map(|y| columns.iter().map(move |x| taps[y * SIDE + x])).sum()
    }

    /// The bias of an output; 0 for one that does not exist.
    pub fn bias(&self, output: usize) -> f32 {
        self.biases.get(output).copied().unwrap_or(0.0)
    }
}

impl Network {
    /// The network with these tensors.
    ///
    /// # Errors
    /// When a tensor is missing or does not fit its neighbours.
    pub fn new(tensors: &[Tensor]) -> Result<Self, WeightsError> {
        let is_large = tensors.iter().any(|tensor| tensor.name == "enc_conv1b.weight");
        let level = |names: &[&str]| names.iter().map(|name| convolution(tensors, name)).collect::<Result<Vec<_>, _>>();
        let encoder = match is_large {
            true => [
                level(&["enc_conv1a", "enc_conv1b"])?,
                level(&["enc_conv2a", "enc_conv2b"])?,
                level(&["enc_conv3a", "enc_conv3b"])?,
                level(&["enc_conv4a", "enc_conv4b"])?,
            ],
            false => [
                level(&["enc_conv0", "enc_conv1"])?,
                level(&["enc_conv2"])?,
                level(&["enc_conv3"])?,
                level(&["enc_conv4"])?,
            ],
        };
        let last = if is_large { "dec_conv1c" } else { "dec_conv0" };
        let network = Self {
            n_inputs: encoder[0][0].n_inputs,
            encoder,
            bottom: level(&["enc_conv5a", "enc_conv5b"])?,
            decoder: [
                level(&["dec_conv4a", "dec_conv4b"])?,
                level(&["dec_conv3a", "dec_conv3b"])?,
                level(&["dec_conv2a", "dec_conv2b"])?,
                level(&["dec_conv1a", "dec_conv1b", last])?,
            ],
        };
        network.check()?;
        Ok(network)
    }

    /// Every convolution, in order of execution.
    pub fn convolutions(&self) -> impl Iterator<Item = &Convolution> {
        self.encoder.iter().chain([&self.bottom]).chain(&self.decoder).flatten()
    }

    /// Channels of the decoder's skip connections at each of its levels, the coarsest first.
    pub fn skips(&self) -> [usize; LEVELS] {
        std::array::from_fn(|i| match LEVELS - 1 - i {
            0 => self.n_inputs,
            finer => outputs(&self.encoder[finer - 1]),
        })
    }

    /// How many pixels beyond a tile of the result its pixels depend on, along one axis; a multiple of
    /// [`ALIGNMENT_PX`], like the tile's position and sides. `joint_px`: pixels that are computed together, each of
    /// which depends, if only by rounding, on what the others depend on.
    pub fn overlap_px(&self, joint_px: isize) -> usize {
        // The first pixel that pixel 0 depends on, from the result back to the input.
        let mut first: isize = 0;
        let looks_from = |first: isize, level: &[Convolution]| {
            level.iter().fold(first, |first, _| first.div_euclid(joint_px) * joint_px - 1)
        };
        for level in self.decoder.iter().rev() {
            first = looks_from(first, level).div_euclid(2);
        }
        first = looks_from(first, &self.bottom);
        for level in self.encoder.iter().rev() {
            first = looks_from(2 * first, level);
        }
        first.unsigned_abs().next_multiple_of(ALIGNMENT_PX)
    }

    fn check(&self) -> Result<(), WeightsError> {
        let fits = |convolution: &Convolution, n_inputs: usize| match convolution.n_inputs == n_inputs {
            true => Ok(()),
            false => Err(misfit(&convolution.name, "its channels are not those of what goes in")),
        };
        if !matches!(self.n_inputs, 3 | 6 | 9) {
            return Err(misfit(&self.encoder[0][0].name, "a picture has 3, 6 or 9 channels"));
        }
        let mut channels = self.n_inputs;
        for convolution in self.encoder.iter().chain([&self.bottom]).flatten() {
            fits(convolution, channels)?;
            channels = convolution.n_outputs;
        }
        for (level, skip) in self.decoder.iter().zip(self.skips()) {
            channels += skip;
            for convolution in level {
                fits(convolution, channels)?;
                channels = convolution.n_outputs;
            }
        }
        match channels {
            3 => Ok(()),
            _ => Err(misfit("dec_conv0", "a picture of colours has 3 channels")),
        }
    }
}

/// Output channels of a level.
pub fn outputs(level: &[Convolution]) -> usize {
    level.last().map_or(0, |convolution| convolution.n_outputs)
}

fn misfit(tensor: &str, what: &'static str) -> WeightsError {
    WeightsError::Misfit { tensor: tensor.to_owned(), what }
}

fn convolution(tensors: &[Tensor], name: &str) -> Result<Convolution, WeightsError> {
    let find = |part: &str| {
        let full = format!("{name}.{part}");
        tensors.iter().find(|tensor| tensor.name == full).ok_or_else(|| misfit(&full, "it is missing"))
    };
    let (weight, bias) = (find("weight")?, find("bias")?);
    let &[n_outputs, n_inputs, 3, 3] = weight.shape.as_slice() else {
        return Err(misfit(&weight.name, "its kernel is not 3×3"));
    };
    if bias.shape != [n_outputs] {
        return Err(misfit(&bias.name, "there is not one value for each output"));
    }
    if ![n_outputs, n_inputs].iter().all(|count| (1..=CHANNELS_MAX).contains(count)) {
        return Err(misfit(&weight.name, "it has no channels or too many"));
    }
    let (weights, biases) = (weight.values.clone(), bias.values.clone());
    Ok(Convolution { name: name.to_owned(), n_inputs, n_outputs, weights, biases })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tza;
    use crate::weights::WeightSet;

    fn tensors(set: WeightSet) -> Vec<Tensor> {
        tza::parse(set.bytes()).expect("valid")
    }

    /// Multiplications per pixel.
    fn work(network: &Network) -> f64 {
        let of = |level: usize, convolutions: &[Convolution]| -> f64 {
            let products = convolutions.iter().map(|c| c.n_inputs * c.n_outputs * TAPS).sum::<usize>();
            products as f64 / (1 << (2 * level)) as f64
        };
        let down = (0..).zip(&network.encoder).map(|(level, convolutions)| of(level, convolutions)).sum::<f64>();
        let up =
            (0..LEVELS).rev().zip(&network.decoder).map(|(level, convolutions)| of(level, convolutions)).sum::<f64>();
        down + of(LEVELS, &network.bottom) + up
    }

    #[test]
    fn graphs_have_the_published_sizes() {
        for (set, n_values, products, overlap_px) in [
            (WeightSet::CleanGuides, 919_811, 125e3, (80, 272)),
            (WeightSet::CleanGuidesLarge, 3_848_387, 312e3, (96, 320)),
            (WeightSet::NoisyGuides, 919_811, 125e3, (80, 272)),
            (WeightSet::Small, 320_035, 62e3, (80, 272)),
        ] {
            let network = Network::new(&tensors(set)).expect("a network");
            let values = network.convolutions().map(|c| c.weights.len() + c.biases.len()).sum::<usize>();
            assert_eq!((network.n_inputs, values), (9, n_values), "{set:?}");
            assert!((work(&network) / products - 1.0).abs() < 0.01, "{set:?}: {}", work(&network));
            assert_eq!((network.overlap_px(1), network.overlap_px(4)), overlap_px, "{set:?}");
        }
    }

    #[test]
    fn tensors_that_do_not_fit_are_refused_by_name() {
        let whole = tensors(WeightSet::Small);
        for i in 0..whole.len() {
            let mut fewer = whole.clone();
            let removed = fewer.remove(i);
            let error = Network::new(&fewer).expect_err("a tensor is missing");
            assert_eq!((error.code(), error.at()), ("denoise.weights_misfit", removed.name));
        }
        let place = whole.iter().position(|tensor| tensor.name == "dec_conv2a.weight").expect("there");
        let mut narrow = whole;
        narrow[place].shape = vec![64, 95, 3, 3];
        assert_eq!(Network::new(&narrow).expect_err("does not fit").at(), "dec_conv2a");
    }
}
