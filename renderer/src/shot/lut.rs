//! Lookup tables: the text of a `.cube` file in, a [`Lut`] out.
//!
//! The format is Adobe's Cube LUT 1.0 (2013), with the input ranges that Resolve writes: a title, the number of nodes,
//! the domain, and a line of three numbers for each node, red fastest. Whatever the file announces, it takes no more
//! memory than its lines need.

use std::fmt;
use std::str::FromStr;

use glam::{Vec3, Vec3A};
use serde::Serialize;

use super::error::{ErrorCode, ShotError};

/// Most nodes along an axis of a cube.
pub const MAX_CUBE_NODES: usize = 65;
/// Most nodes of a curve.
pub const MAX_CURVE_NODES: usize = 65_536;
/// The help of what is not as the format has it.
const EXPECTED: &str = "give a .cube with LUT_3D_SIZE or LUT_1D_SIZE, and a line of three numbers for each node";

/// A lookup table that changes colours for display. Digests contain its file's hash in place of its nodes.
#[derive(Clone, PartialEq, Serialize)]
pub struct Lut {
    /// Its nodes; their colours are display values, 0 to 1.
    #[serde(skip)]
    pub table: LutTable,
    /// Input value at the first node of each channel.
    #[serde(skip)]
    pub domain_min: Vec3,
    /// Input value at the last node; more than `domain_min`.
    #[serde(skip)]
    pub domain_max: Vec3,
    /// What the table is applied to.
    pub input: LutInput,
    /// BLAKE3 of its file, 64 lower-case hexadecimal digits.
    pub blake3: String,
}

/// The nodes of a [`Lut`].
#[derive(Clone, PartialEq)]
pub enum LutTable {
    /// A curve for each channel, with 2 to [`MAX_CURVE_NODES`] nodes, interpolated linearly.
    Curves(Vec<Vec3>),
    /// A cube, interpolated tetrahedrally.
    Cube {
        /// 2 to [`MAX_CUBE_NODES`].
        nodes_per_axis: usize,
        /// `nodes_per_axis`³ colours, red fastest.
        nodes: Vec<Vec3A>,
    },
}

/// What a [`Lut`] is applied to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub enum LutInput {
    /// Display values, after the view transform, as most grading tables expect.
    #[default]
    Display,
    /// Exposed linear Rec.709; the table replaces the view transform.
    Linear,
    /// Its logarithm to base 2, mapped to 0 to 1; the table replaces the view transform. `--lut-input log2:MIN:MAX`.
    Log2 {
        /// The logarithm that maps to 0; −64 to 64.
        min: f32,
        /// The logarithm that maps to 1; −64 to 64, more than `min`.
        max: f32,
    },
}

impl FromStr for LutInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = |text: &str| {
            let (min, max) = text.split_once(':')?;
            let [min, max] = [min.parse().ok()?, max.parse().ok()?];
            let is_within = |stops: f32| (-64.0..=64.0).contains(&stops);
            (is_within(min) && is_within(max) && min < max).then_some(Self::Log2 { min, max })
        };
        match text {
            "display" => Some(Self::Display),
            "linear" => Some(Self::Linear),
            _ => text.strip_prefix("log2:").and_then(range),
        }
        .ok_or_else(|| "expected display, linear or log2:MIN:MAX with two numbers from -64 to 64".to_owned())
    }
}

impl fmt::Display for LutInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Display => f.write_str("display"),
            Self::Linear => f.write_str("linear"),
            Self::Log2 { min, max } => write!(f, "log2:{min}:{max}"),
        }
    }
}

impl fmt::Debug for Lut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lut({:?} over {}, blake3 {})", self.table, self.input, self.blake3)
    }
}

impl fmt::Debug for LutTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Curves(nodes) => write!(f, "Curves({})", nodes.len()),
            Self::Cube { nodes_per_axis, .. } => write!(f, "Cube({nodes_per_axis})"),
        }
    }
}

/// Reads a `.cube` file. `name` is its source, for errors.
///
/// # Errors
///
/// `lut.syntax` for a line that does not follow the format, `lut.size` for a table that is too small or too large,
/// `lut.domain` for an empty domain, `lut.not_finite` for values that are not finite, `lut.count` for fewer or more
/// nodes than announced: each with its line.
pub fn read(bytes: &[u8], name: &str, input: LutInput) -> Result<Lut, ShotError> {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let mut reader = Reader { name, line: 0, size: None, domain: [Vec3::ZERO, Vec3::ONE], nodes: Vec::new() };
    for (idx, line) in text.lines().enumerate() {
        reader.line = idx + 1;
        reader.read_line(line.trim())?;
    }
    let (table, [domain_min, domain_max]) = reader.finish()?;
    Ok(Lut { table, domain_min, domain_max, input, blake3: blake3::hash(bytes).to_hex().to_string() })
}

/// How many nodes a file announces.
#[derive(Clone, Copy)]
enum Size {
    Curve(usize),
    Cube(usize),
}

impl Size {
    fn n_nodes(self) -> usize {
        match self {
            Self::Curve(n) => n,
            Self::Cube(n) => n * n * n,
        }
    }
}

struct Reader<'a> {
    name: &'a str,
    /// The line of the file, counted from 1.
    line: usize,
    size: Option<Size>,
    domain: [Vec3; 2],
    nodes: Vec<Vec3>,
}

impl Reader<'_> {
    fn read_line(&mut self, line: &str) -> Result<(), ShotError> {
        let mut words = line.split_ascii_whitespace();
        let Some(first) = words.next().filter(|word| !word.starts_with('#')) else { return Ok(()) };
        if first.starts_with(|c: char| c.is_ascii_alphabetic())
            && !["nan", "inf", "infinity"].contains(&&*first.to_ascii_lowercase())
        {
            return self.read_keyword(first, words);
        }
        let node = Vec3::from(self.numbers(line.split_ascii_whitespace())?);
        let Some(size) = self.size else {
            return Err(self.wrong(ErrorCode::LutSize, "a node comes before the size of the table"));
        };
        if self.nodes.len() == size.n_nodes() {
            return Err(self.wrong(
                ErrorCode::LutCount,
                format!("the table has more than the {} nodes that its size announces", size.n_nodes()),
            ));
        }
        self.nodes.push(node);
        Ok(())
    }

    fn read_keyword<'w>(&mut self, keyword: &str, words: impl Iterator<Item = &'w str>) -> Result<(), ShotError> {
        if !self.nodes.is_empty() {
            return Err(self.wrong(ErrorCode::LutSyntax, format!("{keyword:?} comes after the first line of numbers")));
        }
        match keyword {
            "TITLE" => {}
            "LUT_1D_SIZE" => self.set_size(Size::Curve(self.size(words, MAX_CURVE_NODES)?))?,
            "LUT_3D_SIZE" => self.set_size(Size::Cube(self.size(words, MAX_CUBE_NODES)?))?,
            "DOMAIN_MIN" => self.domain[0] = Vec3::from(self.numbers(words)?),
            "DOMAIN_MAX" => self.domain[1] = Vec3::from(self.numbers(words)?),
            "LUT_1D_INPUT_RANGE" | "LUT_3D_INPUT_RANGE" => {
                let [min, max] = self.numbers(words)?;
                self.domain = [Vec3::splat(min), Vec3::splat(max)];
            }
            _ => {
                let keyword: String = keyword.chars().take(40).collect();
                return Err(self.wrong(ErrorCode::LutSyntax, format!("{keyword:?} is not a keyword of the format")));
            }
        }
        Ok(())
    }

    fn size<'w>(&self, mut words: impl Iterator<Item = &'w str>, max: usize) -> Result<usize, ShotError> {
        let size = words.next().and_then(|word| word.parse().ok()).filter(|size| (2..=max).contains(size));
        size.filter(|_| words.next().is_none())
            .ok_or_else(|| self.wrong(ErrorCode::LutSize, format!("expected a whole number from 2 to {max}")))
    }

    fn set_size(&mut self, size: Size) -> Result<(), ShotError> {
        if self.size.replace(size).is_some() {
            return Err(self.wrong(
                ErrorCode::LutSize,
                "the size is given twice: tables with a curve before the cube are not supported",
            ));
        }
        Ok(())
    }

    fn numbers<'w, const N: usize>(&self, words: impl Iterator<Item = &'w str>) -> Result<[f32; N], ShotError> {
        let numbers: Option<Vec<f32>> = words.take(N + 1).map(|word| word.parse().ok()).collect();
        let numbers: [f32; N] = numbers
            .and_then(|numbers| numbers.try_into().ok())
            .ok_or_else(|| self.wrong(ErrorCode::LutSyntax, format!("expected {N} numbers")))?;
        match numbers.iter().all(|number| number.is_finite()) {
            true => Ok(numbers),
            false => Err(self.wrong(ErrorCode::LutNotFinite, "a number is infinite or not a number")),
        }
    }

    fn finish(self) -> Result<(LutTable, [Vec3; 2]), ShotError> {
        let Some(size) = self.size else {
            return Err(self.wrong(ErrorCode::LutSize, "the file does not say how many nodes it has"));
        };
        if self.nodes.len() != size.n_nodes() {
            let message =
                format!("the table has {} of the {} nodes that its size announces", self.nodes.len(), size.n_nodes());
            return Err(self.wrong(ErrorCode::LutCount, message));
        }
        let [min, max] = self.domain;
        // The extent, too, must be finite.
        if !(max - min).is_finite() || !(max - min).cmpgt(Vec3::splat(f32::MIN_POSITIVE)).all() {
            return Err(self.wrong(ErrorCode::LutDomain, "the domain is empty: it must end above where it begins"));
        }
        let table = match size {
            Size::Curve(_) => LutTable::Curves(self.nodes),
            Size::Cube(nodes_per_axis) => {
                LutTable::Cube { nodes_per_axis, nodes: self.nodes.into_iter().map(Vec3A::from).collect() }
            }
        };
        Ok((table, [min, max]))
    }

    fn wrong(&self, code: ErrorCode, message: impl Into<String>) -> ShotError {
        let help = match code {
            ErrorCode::LutDomain => "give DOMAIN_MAX larger numbers than DOMAIN_MIN in the .cube, or leave both out",
            ErrorCode::LutNotFinite => "correct the number in the .cube, or export the table again",
            _ => EXPECTED,
        };
        ShotError::new(code, format!("{}:{}", self.name, self.line), message).help(help)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CUBE: &str = "# made by hand\r\nTITLE \"swap\"\r\nLUT_3D_SIZE 2\r\n\
        0 0 0\r\n0 0 1\r\n0 1 0\r\n0 1 1\r\n1 0 0\r\n1 0 1\r\n1 1 0\r\n1.0 1e0 +1\r\n";

    fn code(text: &str) -> (&'static str, String) {
        let error = read(text.as_bytes(), "a.cube", LutInput::Display).expect_err("refused");
        assert!(error.help.contains(".cube"));
        (error.code.name(), error.at)
    }

    #[test]
    fn cubes_and_curves_are_read() {
        let lut = read(CUBE.as_bytes(), "a.cube", LutInput::Linear).expect("a cube");
        let LutTable::Cube { nodes_per_axis, nodes } = &lut.table else { panic!("{lut:?}") };
        assert_eq!((*nodes_per_axis, nodes[1], nodes[4]), (2, Vec3A::Z, Vec3A::X));
        assert_eq!((lut.domain_min, lut.domain_max, lut.input), (Vec3::ZERO, Vec3::ONE, LutInput::Linear));
        assert_eq!(lut.blake3, blake3::hash(CUBE.as_bytes()).to_hex().as_str());
        let curve = "\u{feff}LUT_1D_SIZE 3\nLUT_1D_INPUT_RANGE -1 2\n\n0 0 0\n.5 .25 .125\n1 1 1";
        let lut = read(curve.as_bytes(), "a.cube", LutInput::Display).expect("a curve");
        assert_eq!(lut.table, LutTable::Curves(vec![Vec3::ZERO, Vec3::new(0.5, 0.25, 0.125), Vec3::ONE]));
        assert_eq!((lut.domain_min, lut.domain_max), (Vec3::splat(-1.0), Vec3::splat(2.0)));
    }

    #[test]
    fn mistakes_have_a_code_and_a_line() {
        for (text, want) in [
            ("", ("lut.size", "a.cube:0")),
            ("# nothing", ("lut.size", "a.cube:1")),
            ("0 0 0", ("lut.size", "a.cube:1")),
            ("LUT_3D_SIZE 1", ("lut.size", "a.cube:1")),
            ("LUT_3D_SIZE 66", ("lut.size", "a.cube:1")),
            ("LUT_3D_SIZE 4294967296", ("lut.size", "a.cube:1")),
            ("LUT_3D_SIZE -2", ("lut.size", "a.cube:1")),
            ("LUT_3D_SIZE 2 2", ("lut.size", "a.cube:1")),
            ("LUT_1D_SIZE 65537", ("lut.size", "a.cube:1")),
            ("LUT_1D_SIZE 2\nLUT_3D_SIZE 2", ("lut.size", "a.cube:2")),
            ("LUT_1D_SIZE 2\n0 0 0", ("lut.count", "a.cube:2")),
            ("LUT_1D_SIZE 2\n0 0 0\n1 1 1\n2 2 2", ("lut.count", "a.cube:4")),
            ("LUT_1D_SIZE 2\n0 0 0\n1 1", ("lut.syntax", "a.cube:3")),
            ("LUT_1D_SIZE 2\n0 0 0\n1 1 1 1", ("lut.syntax", "a.cube:3")),
            ("LUT_1D_SIZE 2\n0 0 0\nTITLE x", ("lut.syntax", "a.cube:3")),
            ("LUT_1D_SIZE 2\n0 0 nan\n1 1 1", ("lut.not_finite", "a.cube:2")),
            ("LUT_1D_SIZE 2\nnan 0 0\n1 1 1", ("lut.not_finite", "a.cube:2")),
            ("LUT_1D_SIZE 2\n1e99 0 0\n1 1 1", ("lut.not_finite", "a.cube:2")),
            ("LUT_1D_SIZE 2\nDOMAIN_MIN 0 1 0\n0 0 0\n1 1 1", ("lut.domain", "a.cube:4")),
            ("LUT_1D_SIZE 2\nDOMAIN_MIN -3e38 0 0\nDOMAIN_MAX 3e38 1 1\n0 0 0\n1 1 1", ("lut.domain", "a.cube:5")),
            ("MZ\u{0}\u{1}", ("lut.syntax", "a.cube:1")),
            ("\u{fffd}PNG", ("lut.syntax", "a.cube:1")),
        ] {
            assert_eq!(code(text), (want.0, want.1.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn inputs_are_spelled_as_they_are_shown() {
        for input in [LutInput::Display, LutInput::Linear, LutInput::Log2 { min: -12.47393, max: 12.52607 }] {
            assert_eq!(input.to_string().parse(), Ok(input));
        }
        for text in ["", "log2", "log2:1", "log2:2:1", "log2:1:1", "log2:-65:0", "log2:nan:1", "log2:0:inf", "Linear"] {
            assert!(text.parse::<LutInput>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes, "a.cube", LutInput::Display);
        }

        #[test]
        fn any_lines_are_read_or_refused(lines in proptest::collection::vec(
            prop_oneof![
                Just("LUT_3D_SIZE 2".to_owned()), Just("LUT_1D_SIZE 3".to_owned()), Just("DOMAIN_MAX 2 2 2".to_owned()),
                "[0-9.e+-]{1,8} [0-9.]{1,4} -?[0-9]{1,3}", Just("1 0 1".to_owned()), Just("# x".to_owned()),
            ], 0..14,
        )) {
            if let Ok(lut) = read(lines.join("\n").as_bytes(), "a.cube", LutInput::Display) {
                let n_nodes = match lut.table {
                    LutTable::Curves(nodes) => nodes.len(),
                    LutTable::Cube { nodes, .. } => nodes.len(),
                };
                prop_assert!(n_nodes == 3 || n_nodes == 8);
            }
        }
    }
}
