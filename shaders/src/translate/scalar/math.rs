//! WGSL's built-in functions.

use naga::{Expression, Handle, MathFunction, ScalarKind};

use super::Scalar;
use crate::translate::Result;

impl Scalar<'_> {
    /// A call of a built-in function.
    pub(super) fn math(
        &self,
        expression: Handle<Expression>,
        function: MathFunction,
        arguments: &[Handle<Expression>],
    ) -> Result<String> {
        use MathFunction as F;
        let values: Vec<String> = arguments.iter().map(|&argument| self.value(argument)).collect::<Result<_>>()?;
        let call = |name: &str| Ok(format!("rt::{name}({})", values.join(", ")));
        let is_float = self.kind(arguments[0]) == Some(ScalarKind::Float);
        // Functions that exist for integers too.
        let either = |float: &str, int: &str| call(if is_float { float } else { int });
        let refuse = |name: &str| Err(self.refuse_expression(expression, &format!("`{name}`")));
        match function {
            F::Abs if self.kind(arguments[0]) == Some(ScalarKind::Uint) => Ok(values[0].clone()),
            F::Abs => either("abs", "int_abs"),
            F::Min => either("min", "int_min"),
            F::Max => either("max", "int_max"),
            F::Clamp => either("clamp", "int_clamp"),
            F::Sign => either("sign", "int_sign"),
            F::Dot => either("dot", "int_dot"),
            F::Mix => {
                let factor = self.splat_like(arguments[2], arguments[0])?;
                Ok(format!("rt::mix({}, {}, {factor})", values[0], values[1]))
            }
            F::Saturate => call("saturate"),
            F::Cos => call("cos"),
            F::Cosh => call("cosh"),
            F::Sin => call("sin"),
            F::Sinh => call("sinh"),
            F::Tan => call("tan"),
            F::Tanh => call("tanh"),
            F::Acos => call("acos"),
            F::Asin => call("asin"),
            F::Atan => call("atan"),
            F::Atan2 => call("atan2"),
            F::Asinh => call("asinh"),
            F::Acosh => call("acosh"),
            F::Atanh => call("atanh"),
            F::Radians => call("radians"),
            F::Degrees => call("degrees"),
            F::Ceil => call("ceil"),
            F::Floor => call("floor"),
            F::Round => call("round"),
            F::Fract => call("fract"),
            F::Trunc => call("trunc"),
            F::Modf => self.pair(expression, "modf", ["fract", "whole"], &values),
            F::Frexp => self.pair(expression, "frexp", ["fract", "exp"], &values),
            F::Ldexp => call("ldexp"),
            F::Exp => call("exp"),
            F::Exp2 => call("exp2"),
            F::Log => call("log"),
            F::Log2 => call("log2"),
            F::Pow => call("pow"),
            F::Cross => call("cross"),
            F::Distance => call("distance"),
            F::Length => call("length"),
            F::Normalize => call("normalize"),
            F::FaceForward => call("face_forward"),
            F::Reflect => call("reflect"),
            F::Refract => call("refract"),
            F::Fma => call("fma"),
            F::Step => call("step"),
            F::SmoothStep => call("smoothstep"),
            F::Sqrt => call("sqrt"),
            F::InverseSqrt => call("inverse_sqrt"),
            F::Transpose => Ok(format!("{}.transpose()", values[0])),
            F::Determinant => Ok(format!("{}.determinant()", values[0])),
            F::QuantizeToF16 => call("quantize_to_f16"),
            F::CountTrailingZeros => call("count_trailing_zeros"),
            F::CountLeadingZeros => call("count_leading_zeros"),
            F::CountOneBits => call("count_one_bits"),
            F::ReverseBits => call("reverse_bits"),
            F::ExtractBits => call("extract_bits"),
            F::InsertBits => call("insert_bits"),
            F::FirstTrailingBit => call("first_trailing_bit"),
            F::FirstLeadingBit => call("first_leading_bit"),
            F::Pack4x8snorm => call("pack4x8snorm"),
            F::Pack4x8unorm => call("pack4x8unorm"),
            F::Pack2x16snorm => call("pack2x16snorm"),
            F::Pack2x16unorm => call("pack2x16unorm"),
            F::Pack2x16float => call("pack2x16float"),
            F::Unpack4x8snorm => call("unpack4x8snorm"),
            F::Unpack4x8unorm => call("unpack4x8unorm"),
            F::Unpack2x16snorm => call("unpack2x16snorm"),
            F::Unpack2x16unorm => call("unpack2x16unorm"),
            F::Unpack2x16float => call("unpack2x16float"),
            F::Outer => refuse("outer"),
            F::Inverse => refuse("inverse"),
            F::Dot4I8Packed => refuse("dot4I8Packed"),
            F::Dot4U8Packed => refuse("dot4U8Packed"),
            F::Pack4xI8 => refuse("pack4xI8"),
            F::Pack4xU8 => refuse("pack4xU8"),
            F::Pack4xI8Clamp => refuse("pack4xI8Clamp"),
            F::Pack4xU8Clamp => refuse("pack4xU8Clamp"),
            F::Unpack4xI8 => refuse("unpack4xI8"),
            F::Unpack4xU8 => refuse("unpack4xU8"),
        }
    }

    /// A function whose result is a struct of two fields.
    fn pair(&self, expression: Handle<Expression>, name: &str, fields: [&str; 2], values: &[String]) -> Result<String> {
        let (ty, [first, second]) = (self.type_name(expression)?, fields);
        let arguments = values.join(", ");
        Ok(format!("{{ let pair = rt::{name}({arguments}); {ty} {{ {first}: pair.0, {second}: pair.1 }} }}"))
    }
}
