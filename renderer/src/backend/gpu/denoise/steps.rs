//! A network as a list of dispatches, and its weights in the order in which the kernel reads them.

use std::sync::Arc;

use packshot_denoiser::network::{Convolution, DOUBLED_TAPS, LEVELS, Network, SAME_TAPS};

/// Channels per block, which form a vector.
const BLOCK: usize = 4;
/// Output channels per invocation.
const OUTPUTS: usize = 8;

/// A buffer that convolutions read or write, at some resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    /// Kept on the way down for skip connections: the input, then the input of each coarser level.
    Kept(usize),
    /// Only read by the next convolution; the two alternate.
    Passing(usize),
}

/// One input of a convolution.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) source: Slot,
    pub(super) target: Slot,
    /// How many times the sides of the output have been halved, not counting pooling by this step.
    pub(super) level: usize,
    pub(super) is_doubled: bool,
    pub(super) n_input_blocks: usize,
    pub(super) n_output_blocks: usize,
    /// First vector of the weights, and of the biases.
    pub(super) first_weight: usize,
    pub(super) first_bias: usize,
    pub(super) begins: bool,
    pub(super) ends: bool,
    pub(super) halves: bool,
}

impl Step {
    /// Vectors of weights by which one output pixel is multiplied.
    pub(super) fn products(&self) -> u64 {
        let taps = if self.is_doubled { 4 } else { 9 };
        (self.n_input_blocks * BLOCK * self.n_output_blocks.next_multiple_of(2) * taps) as u64
    }
}

/// The dispatches of a network, in order.
#[derive(Debug)]
pub(in crate::backend::gpu) struct Plan {
    pub(super) network: Arc<Network>,
    pub(super) steps: Vec<Step>,
    /// Vectors of four numbers.
    pub(super) weights: Vec<[f32; 4]>,
    pub(super) n_input_blocks: usize,
    pub(super) result: Slot,
}

/// Which rows or columns of a 3×3 window each tap sums.
type Taps = &'static [&'static [usize]];

/// A range of a convolution's input channels.
struct Source {
    slot: Slot,
    is_doubled: bool,
    first_channel: usize,
    n_channels: usize,
}

impl Plan {
    pub(in crate::backend::gpu) fn new(network: &Arc<Network>) -> Self {
        let n_input_blocks = network.n_inputs.div_ceil(BLOCK);
        let (steps, weights) = (Vec::new(), Vec::new());
        let mut plan = Self { network: network.clone(), steps, weights, n_input_blocks, result: Slot::Kept(0) };
        for (level, convolutions) in network.encoder.iter().enumerate() {
            let source = plain(Slot::Kept(level), convolutions);
            plan.add_level(convolutions, &[source], level, Some(Slot::Kept(level + 1)));
        }
        let lowest = plain(Slot::Kept(LEVELS), &network.bottom);
        let mut below = plan.add_level(&network.bottom, &[lowest], LEVELS, None);
        let skips = network.skips();
        for (i, convolutions) in network.decoder.iter().enumerate() {
            let level = LEVELS - 1 - i;
            let n_doubled = convolutions[0].n_inputs - skips[i];
            let doubled = Source { slot: below, is_doubled: true, first_channel: 0, n_channels: n_doubled };
            let beside = Slot::Kept(level);
            let beside = Source { slot: beside, is_doubled: false, first_channel: n_doubled, n_channels: skips[i] };
            below = plan.add_level(convolutions, &[doubled, beside], level, None);
        }
        plan.result = below;
        plan
    }

    /// The convolutions of a level, of which the first has these sources and the last is pooled into `halved`. Returns
    /// where the result is.
    fn add_level(
        &mut self,
        convolutions: &[Convolution],
        sources: &[Source],
        level: usize,
        halved: Option<Slot>,
    ) -> Slot {
        // Must not overwrite the first source.
        let mut passing = if sources[0].slot == Slot::Passing(0) { 1 } else { 0 };
        let mut result = sources[0].slot;
        for (i, convolution) in convolutions.iter().enumerate() {
            let halved = halved.filter(|_| i + 1 == convolutions.len());
            let target = halved.unwrap_or(Slot::Passing(passing));
            match i {
                0 => self.add(convolution, sources, target, level, halved.is_some()),
                _ => {
                    let source =
                        Source { slot: result, is_doubled: false, first_channel: 0, n_channels: convolution.n_inputs };
                    self.add(convolution, &[source], target, level, halved.is_some());
                }
            }
            result = target;
            passing = 1 - passing;
        }
        result
    }

    fn add(&mut self, convolution: &Convolution, sources: &[Source], target: Slot, level: usize, halves: bool) {
        let n_output_blocks = convolution.n_outputs.div_ceil(BLOCK);
        let first_bias = self.weights.len();
        // The kernel reads the weights for eight outputs at a time.
        for block in 0..n_output_blocks.next_multiple_of(OUTPUTS / BLOCK) {
            self.weights.push(std::array::from_fn(|lane| convolution.bias(block * BLOCK + lane)));
        }
        for (i, source) in sources.iter().enumerate() {
            let first_weight = self.weights.len();
            self.add_weights(convolution, source);
            self.steps.push(Step {
                source: source.slot,
                target,
                level,
                is_doubled: source.is_doubled,
                n_input_blocks: source.n_channels.div_ceil(BLOCK),
                n_output_blocks,
                first_weight,
                first_bias,
                begins: i == 0,
                ends: i + 1 == sources.len(),
                halves,
            });
        }
    }

    /// Order: by eight outputs, block of inputs, set of taps, row, column, half of the eight, input.
    fn add_weights(&mut self, convolution: &Convolution, source: &Source) {
        let sets: Vec<[Taps; 2]> = match source.is_doubled {
            false => vec![[&SAME_TAPS, &SAME_TAPS]],
            true => DOUBLED_TAPS.iter().flat_map(|a| DOUBLED_TAPS.iter().map(move |b| [&a[..], &b[..]])).collect(),
        };
        let end = source.first_channel + source.n_channels;
        for first_output in (0..convolution.n_outputs).step_by(OUTPUTS) {
            for first_input in (source.first_channel..end).step_by(BLOCK) {
                for [rows, columns] in &sets {
                    for (row, column) in rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column))) {
                        for output in [first_output, first_output + BLOCK] {
                            self.weights.extend((first_input..first_input + BLOCK).map(|input| -> [f32; 4] {
                                let weight = |lane| convolution.weight(output + lane, input, row, column);
                                // Channels of the next source do not belong to this block.
                                std::array::from_fn(|lane| if input < end { weight(lane) } else { 0.0 })
                            }));
                        }
                    }
                }
            }
        }
    }

    /// Whether this plan is for that network.
    pub(in crate::backend::gpu) fn is_of(&self, network: &Arc<Network>) -> bool {
        Arc::ptr_eq(&self.network, network)
    }

    /// Size of a slot for a tile, in bytes: the most that any step writes there.
    pub(super) fn slot_bytes(&self, slot: Slot, width_px: usize, height_px: usize) -> u64 {
        let picture = |level: usize, n_blocks: usize| {
            ((width_px >> level) * (height_px >> level) * n_blocks * size_of::<[f32; BLOCK]>()) as u64
        };
        let input = if slot == Slot::Kept(0) { picture(0, self.n_input_blocks) } else { 0 };
        let written = self.steps.iter().filter(|step| step.target == slot);
        let written = written.map(|step| picture(step.level + usize::from(step.halves), step.n_output_blocks));
        written.max().unwrap_or(0).max(input)
    }

    /// All slots.
    pub(super) fn slots() -> impl Iterator<Item = Slot> {
        (0..=LEVELS).map(Slot::Kept).chain([Slot::Passing(0), Slot::Passing(1)])
    }

    /// Bytes of all slots and of the read-back buffer. `None` if one exceeds the size of a binding.
    pub(super) fn tile_bytes(&self, width_px: usize, height_px: usize, binding_bytes_max: u64) -> Option<u64> {
        let read_bytes = (width_px * height_px * size_of::<[f32; BLOCK]>()) as u64;
        Self::slots().try_fold(read_bytes, |sum, slot| {
            let bytes = self.slot_bytes(slot, width_px, height_px);
            (bytes <= binding_bytes_max).then_some(sum + bytes)
        })
    }
}

fn plain(slot: Slot, convolutions: &[Convolution]) -> Source {
    Source { slot, is_doubled: false, first_channel: 0, n_channels: convolutions[0].n_inputs }
}
