//! The network exactly as defined: one loop per sum, in double precision, with explicitly doubled pixels and
//! concatenated channels.

use packshot_denoiser::Picture;
use packshot_denoiser::network::{ALIGNMENT_PX, Convolution, Network};
use packshot_denoiser::transfer::decode;

/// Channels by row and column.
struct Layer {
    width: usize,
    height: usize,
    channels: usize,
    values: Vec<f64>,
}

impl Layer {
    fn make(width: usize, height: usize, channels: usize, value: impl Fn(usize, usize, usize) -> f64) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let values = pixels.flat_map(|(x, y)| (0..channels).map(move |c| (x, y, c))).map(|(x, y, c)| value(x, y, c));
        Self { width, height, channels, values: values.collect() }
    }

    fn at(&self, x: usize, y: usize, channel: usize) -> f64 {
        self.values[(y * self.width + x) * self.channels + channel]
    }

    fn convolved(&self, convolution: &Convolution) -> Self {
        assert_eq!(convolution.n_inputs, self.channels);
        Self::make(self.width, self.height, convolution.n_outputs, |x, y, output| {
            let mut sum = f64::from(convolution.biases[output]);
            for (dy, dx) in (0..3).flat_map(|dy| (0..3).map(move |dx| (dy, dx))) {
                let (Some(y), Some(x)) = ((y + dy).checked_sub(1), (x + dx).checked_sub(1)) else { continue };
                if x >= self.width || y >= self.height {
                    continue;
                }
                for input in 0..self.channels {
                    let weight = convolution.weights[(output * self.channels + input) * 9 + dy * 3 + dx];
                    sum += f64::from(weight) * self.at(x, y, input);
                }
            }
            sum.max(0.0)
        })
    }

    fn through(self, convolutions: &[Convolution]) -> Self {
        convolutions.iter().fold(self, |layer, convolution| layer.convolved(convolution))
    }

    fn halved(&self) -> Self {
        Self::make(self.width / 2, self.height / 2, self.channels, |x, y, c| {
            let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| self.at(2 * x + dx, 2 * y + dy, c));
            four.into_iter().fold(f64::NEG_INFINITY, f64::max)
        })
    }

    fn doubled_beside(&self, other: &Layer) -> Self {
        Self::make(other.width, other.height, self.channels + other.channels, |x, y, c| match c < self.channels {
            true => self.at(x / 2, y / 2, c),
            false => other.at(x, y, c - self.channels),
        })
    }
}

/// The denoised colours.
pub(crate) fn denoise(network: &Network, picture: &Picture<'_>) -> Vec<[f32; 3]> {
    let exposed = picture.exposed(network.n_inputs).expect("a picture");
    let (width, height) = (picture.width_px as usize, picture.height_px as usize);
    let padded = |length: usize| length.next_multiple_of(ALIGNMENT_PX);
    let input = Layer::make(padded(width), padded(height), network.n_inputs, |x, y, c| match x < width && y < height {
        true => f64::from(exposed.channels(x, y)[c]),
        false => 0.0,
    });
    let mut kept = vec![input];
    for level in &network.encoder {
        let finest = &kept[kept.len() - 1];
        let copy = Layer::make(finest.width, finest.height, finest.channels, |x, y, c| finest.at(x, y, c));
        kept.push(copy.through(level).halved());
    }
    let mut layer = kept.pop().expect("a level").through(&network.bottom);
    for level in &network.decoder {
        layer = layer.doubled_beside(&kept.pop().expect("a level")).through(level);
    }
    let pixel = |i: usize| {
        let (x, y) = (i % width, i / width);
        [0, 1, 2].map(|c| decode(layer.at(x, y, c) as f32) / exposed.exposure())
    };
    (0..width * height).map(pixel).collect()
}
