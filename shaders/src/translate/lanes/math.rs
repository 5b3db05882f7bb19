//! WGSL's built-in functions in lanes.

use naga::{Expression, Handle, MathFunction, TypeInner};

use super::Lanes;
use crate::translate::Result;

impl Lanes<'_, '_> {
    /// A call of a built-in function.
    pub(super) fn math(
        &mut self,
        expression: Handle<Expression>,
        function: MathFunction,
        arguments: &[Handle<Expression>],
    ) -> Result<String> {
        use MathFunction as F;
        let kind = self.kind(arguments[0])?;
        let refuse =
            |lanes: &Self, name: &str| Err(lanes.scalar.refuse_expression(expression, &format!("`{name}` in lanes")));
        let by_kind = |name: &str| format!("{name}_{kind}");
        let name = match function {
            F::Abs if kind == "u32" => return self.value(arguments[0]),
            // A number is never replaced by the other one, so the test for NaN can be left out.
            F::Min if self.is_float(arguments[0]) && self.is_literal(arguments[1]) => "min_number_f32".to_owned(),
            F::Max if self.is_float(arguments[0]) && self.is_literal(arguments[1]) => "max_number_f32".to_owned(),
            F::Abs => by_kind("abs"),
            F::Min => by_kind("min"),
            F::Max => by_kind("max"),
            F::Clamp => by_kind("clamp"),
            F::Sign => by_kind("sign"),
            F::Mix => "mix_f32".to_owned(),
            F::Saturate => "saturate_f32".to_owned(),
            F::Cos => "cos_f32".to_owned(),
            F::Sin => "sin_f32".to_owned(),
            F::Tan => "tan_f32".to_owned(),
            F::Acos => "acos_f32".to_owned(),
            F::Asin => "asin_f32".to_owned(),
            F::Atan => "atan_f32".to_owned(),
            F::Atan2 => "atan2_f32".to_owned(),
            F::Ceil => "ceil_f32".to_owned(),
            F::Floor => "floor_f32".to_owned(),
            F::Round => "round_f32".to_owned(),
            F::Fract => "fract_f32".to_owned(),
            F::Trunc => "trunc_f32".to_owned(),
            F::Exp => "exp_f32".to_owned(),
            F::Exp2 => "exp2_f32".to_owned(),
            F::Log => "log_f32".to_owned(),
            F::Log2 => "log2_f32".to_owned(),
            F::Pow => "pow_f32".to_owned(),
            F::Fma => "fma_f32".to_owned(),
            F::Step => "step_f32".to_owned(),
            F::SmoothStep => "smoothstep_f32".to_owned(),
            F::Sqrt => "sqrt_f32".to_owned(),
            F::InverseSqrt => "inverse_sqrt_f32".to_owned(),
            F::Radians => "radians_f32".to_owned(),
            F::Degrees => "degrees_f32".to_owned(),
            F::CountTrailingZeros => by_kind("count_trailing_zeros"),
            F::CountLeadingZeros => by_kind("count_leading_zeros"),
            F::CountOneBits => by_kind("count_one_bits"),
            F::ReverseBits => by_kind("reverse_bits"),
            F::FirstTrailingBit => by_kind("first_trailing_bit"),
            F::FirstLeadingBit => by_kind("first_leading_bit"),
            F::Dot if self.is_float(arguments[0]) => return self.of_vectors("dot", arguments),
            F::Cross => return self.of_vectors("cross", arguments),
            F::Length => return self.of_vectors("length", arguments),
            F::Distance => return self.of_vectors("distance", arguments),
            F::Normalize => return self.of_vectors("normalize", arguments),
            F::Unpack4x8unorm => return Ok(format!("simd::unpack4x8unorm({})", self.value(arguments[0])?)),
            F::Unpack2x16float => return Ok(format!("simd::unpack2x16float({})", self.value(arguments[0])?)),
            F::Unpack2x16unorm => return Ok(format!("simd::unpack2x16unorm({})", self.value(arguments[0])?)),
            F::Unpack2x16snorm => return Ok(format!("simd::unpack2x16snorm({})", self.value(arguments[0])?)),
            other => return refuse(self, &format!("{other:?}")),
        };
        self.apply(&name, arguments)
    }

    /// A function of whole vectors.
    fn of_vectors(&mut self, name: &str, arguments: &[Handle<Expression>]) -> Result<String> {
        let TypeInner::Vector { size, .. } = *self.scalar.inner(arguments[0]) else {
            let construct = format!("`{name}` of a scalar in lanes");
            return Err(self.scalar.refuse_expression(arguments[0], &construct));
        };
        let values: Vec<String> = arguments.iter().map(|&argument| self.value(argument)).collect::<Result<_>>()?;
        Ok(format!("simd::{name}{}({})", size as u8, values.join(", ")))
    }
}
