//! Reads TZA, the tensor file format of Open Image Denoise's weights.
//!
//! Input: untrusted bytes. Output: tensors in `f32`. A header (magic number, version, offset of the table) leads to a
//! table with the name, shape, layout, type and offset of each tensor. The output never has more values than the file
//! contains.

use half::f16;

use crate::error::WeightsError;

const MAGIC: u16 = 0x41d7;
const VERSION: u8 = 2;
/// More tensors than any network of this family has.
const TENSORS_MAX: u32 = 256;
const DIMENSIONS_MAX: u8 = 4;

/// An array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Such as `enc_conv0.weight`.
    pub name: String,
    /// Outputs, inputs, rows, columns for weights; one length for biases.
    pub shape: Vec<usize>,
    /// The last dimension varies fastest.
    pub values: Vec<f32>,
}

/// All tensors of a file, in the order of its table.
///
/// # Errors
/// When the file is truncated, of another kind, or contains what no network of this family has.
pub fn parse(bytes: &[u8]) -> Result<Vec<Tensor>, WeightsError> {
    let mut header = Reader { bytes, offset: 0 };
    let is_known = header.u16().ok() == Some(MAGIC) && header.u8().ok() == Some(VERSION);
    if !is_known {
        return Err(WeightsError::Unknown);
    }
    header.u8()?;
    let table = header.u64()?;
    let mut table = Reader { bytes, offset: usize::try_from(table).map_err(|_| header.truncated())? };
    let count = table.u32()?;
    if count > TENSORS_MAX {
        return Err(table.invalid("too many tensors"));
    }
    // Tensors that share bytes would expand a small file to a large result.
    let mut budget_bytes = bytes.len();
    (0..count).map(|_| tensor(bytes, &mut table, &mut budget_bytes)).collect()
}

fn tensor(bytes: &[u8], table: &mut Reader<'_>, budget_bytes: &mut usize) -> Result<Tensor, WeightsError> {
    let name_length = table.u16()?;
    let name = std::str::from_utf8(table.take(name_length.into())?);
    let name = name.map_err(|_| table.invalid("a name is not UTF-8"))?.to_owned();
    let n_dimensions = table.u8()?;
    if n_dimensions == 0 || n_dimensions > DIMENSIONS_MAX {
        return Err(table.invalid("a tensor has no dimensions or too many"));
    }
    let shape = (0..n_dimensions).map(|_| table.u32().map(|length| length as usize));
    let shape: Vec<usize> = shape.collect::<Result<_, _>>()?;
    let layout = table.take(n_dimensions.into())?;
    if layout != b"oihw" && layout != b"x" {
        return Err(table.invalid("a layout is neither oihw nor x"));
    }
    let value_bytes = match table.u8()? {
        b'h' => 2,
        b'f' => 4,
        _ => return Err(table.invalid("a type is neither h nor f")),
    };
    let offset = table.u64()?;
    let length = shape.iter().try_fold(value_bytes, |product: usize, &length| product.checked_mul(length));
    let length = length.filter(|length| length <= budget_bytes).ok_or_else(|| table.truncated())?;
    *budget_bytes -= length;
    let offset = usize::try_from(offset).map_err(|_| table.truncated())?;
    let data = Reader { bytes, offset }.take(length)?;
    let values: Vec<f32> = match value_bytes {
        2 => data.as_chunks().0.iter().map(|&value| f16::from_le_bytes(value).to_f32()).collect(),
        _ => data.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect(),
    };
    if values.iter().any(|value| !value.is_finite()) {
        return Err(WeightsError::Misfit { tensor: name, what: "a value is not finite" });
    }
    Ok(Tensor { name, shape, values })
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], WeightsError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let taken = rest.get(..length).ok_or_else(|| self.truncated())?;
        self.offset += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let bytes = self.take(N)?;
        Ok(std::array::from_fn(|i| bytes[i]))
    }

    fn u8(&mut self) -> Result<u8, WeightsError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, WeightsError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, WeightsError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, WeightsError> {
        self.array().map(u64::from_le_bytes)
    }

    fn truncated(&self) -> WeightsError {
        WeightsError::Truncated { offset_bytes: self.offset as u64 }
    }

    fn invalid(&self, what: &'static str) -> WeightsError {
        WeightsError::Invalid { what, offset_bytes: self.offset as u64 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::weights::WeightSet;

    #[test]
    fn tensors_have_their_names_shapes_and_values() {
        let tensors = parse(WeightSet::CleanGuides.bytes()).expect("valid");
        assert_eq!(tensors.len(), 32);
        let first = &tensors[0];
        assert_eq!((first.name.as_str(), first.shape.as_slice()), ("enc_conv0.weight", &[32, 9, 3, 3][..]));
        for tensor in &tensors {
            assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>(), "{}", tensor.name);
        }
        let n_values: usize = tensors.iter().map(|tensor| tensor.values.len()).sum();
        assert_eq!(n_values, 919_811);
    }

    #[test]
    fn other_files_are_refused_with_a_code() {
        let whole = WeightSet::Small.bytes();
        assert_eq!(parse(b"").expect_err("refused").code(), "denoise.weights_unknown");
        assert_eq!(parse(b"glTF\x02\0\0\0").expect_err("refused").code(), "denoise.weights_unknown");
        assert_eq!(parse(&whole[..whole.len() - 1]).expect_err("refused").code(), "denoise.weights_truncated");
        let mut far = whole.to_vec();
        far[4..12].fill(0xff);
        assert_eq!(parse(&far).expect_err("refused").code(), "denoise.weights_truncated");
    }

    #[test]
    fn tensors_that_share_their_bytes_are_refused() {
        let mut file = vec![0xd7, 0x41, 2, 0];
        let table = 12 + 128_u64;
        file.extend(table.to_le_bytes());
        file.extend([0; 128]);
        file.extend(100_u32.to_le_bytes());
        for _ in 0..100 {
            file.extend([1, 0, b'a', 1]);
            file.extend(64_u32.to_le_bytes());
            file.extend(*b"xh");
            file.extend(12_u64.to_le_bytes());
        }
        assert_eq!(parse(&file).expect_err("refused").code(), "denoise.weights_truncated");
    }

    proptest! {
        #[test]
        fn damaged_tables_are_read_without_panic(place in 0_usize..2000, byte: u8, cut in 0_usize..2000) {
            let whole = WeightSet::Small.bytes();
            let table = u64::from_le_bytes(whole[4..12].try_into().expect("8 bytes")) as usize;
            // Only the header and the table, so that each case is fast: every offset of values is then outside the file
            // or inside the table.
            let mut file = whole[..12].to_vec();
            file[4..12].copy_from_slice(&12_u64.to_le_bytes());
            file.extend(&whole[table..]);
            let place = place % file.len();
            file[place] = byte;
            file.truncate(file.len() - cut.min(file.len()));
            if let Ok(tensors) = parse(&file) {
                let n_values: usize = tensors.iter().map(|tensor| tensor.values.len()).sum();
                prop_assert!(n_values * 2 <= file.len());
            }
        }
    }
}
