//! Animations: their channels, and the pose of every node at one time (glTF 2.0 sections 3.11 and appendix C).

use std::collections::{HashMap, HashSet};

use glam::{DQuat, DVec3};

use super::ImportErrorCode as Code;
use super::accessor::{Accessor, Component, Shape};
use super::error::{ImportError, listed, quoted};
use super::findings::Findings;
use super::member::Member;
use super::{AnimationInfo, Pose};
use crate::diagnostic::Severity;

/// An animation of the file.
pub(super) struct Animation<'d> {
    name: Option<&'d str>,
    channels: Vec<Channel>,
}

/// How a property of a node changes over time.
#[derive(Clone, Copy)]
struct Channel {
    node: u32,
    property: Property,
    interpolation: Interpolation,
    /// Accessor of the times in seconds.
    input: usize,
    /// Accessor of the values.
    output: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Property {
    Translation,
    Rotation,
    Scale,
    Weights,
}

#[derive(Clone, Copy, PartialEq)]
enum Interpolation {
    Step,
    Linear,
    CubicSpline,
}

/// Properties that an animation gives a node in place of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NodePose {
    pub(super) translation: Option<DVec3>,
    /// A unit quaternion.
    pub(super) rotation: Option<DQuat>,
    pub(super) scale: Option<DVec3>,
    pub(super) weights: Option<Vec<f32>>,
}

/// Reads `/animations` and checks that every accessor fits its use.
pub(super) fn read_all<'d>(
    root: &Member<'_, 'd>,
    accessors: &[Accessor<'_>],
    findings: &mut Findings,
) -> Result<Vec<Animation<'d>>, ImportError> {
    let node_count = root.count("nodes")?;
    let read = |animation: &Member<'_, 'd>, findings: &mut Findings| {
        let mut samplers = Vec::new();
        for sampler in animation.items("samplers")? {
            let sampler = sampler?;
            let interpolation = match sampler.text("interpolation")? {
                None | Some("LINEAR") => Interpolation::Linear,
                Some("STEP") => Interpolation::Step,
                Some("CUBICSPLINE") => Interpolation::CubicSpline,
                Some(other) => {
                    let message = format!("{} is not an interpolation", quoted(other));
                    return Err(sampler.error_at("interpolation", Code::Schema, message));
                }
            };
            let input = sampler.required_index("input", accessors.len(), "accessor")?;
            let output = sampler.required_index("output", accessors.len(), "accessor")?;
            let times = &accessors[input];
            if times.shape != Shape::Scalar || times.component != Component::F32 {
                return Err(sampler.error_at("input", Code::Accessor, "the times of an animation must be floats"));
            }
            samplers.push((interpolation, input, output));
        }
        let mut channels = Vec::new();
        let mut moved = HashSet::new();
        for channel in animation.items("channels")? {
            let channel = channel?;
            let (interpolation, input, output) =
                samplers[channel.required_index("sampler", samplers.len(), "sampler")?];
            let target = channel.object("target")?.ok_or_else(|| channel.missing("target"))?;
            let node = target.index("node", node_count, "node")?;
            let property = match target.text("path")?.ok_or_else(|| target.missing("path"))? {
                "translation" => Property::Translation,
                "rotation" => Property::Rotation,
                "scale" => Property::Scale,
                "weights" => Property::Weights,
                other => {
                    let message = format!("animating {} is not supported; this channel is ignored", quoted(other));
                    findings.add("unsupported_feature", Severity::Warning, target.pointer_to("path"), message);
                    continue;
                }
            };
            // A channel without a node belongs to an extension.
            let Some(node) = node else { continue };
            let entry = Channel { node: node as u32, property, interpolation, input, output };
            entry.check(accessors).map_err(|message| channel.error_at("sampler", Code::Accessor, message))?;
            if !moved.insert((entry.node, property)) {
                let message =
                    "another channel of the animation moves the same property of the node; the last one counts";
                findings.add("animation_channel_twice", Severity::Warning, channel.pointer(), message);
            }
            channels.push(entry);
        }
        Ok(Animation { name: animation.text("name")?, channels })
    };
    root.items("animations")?.map(|animation| read(&animation?, findings)).collect()
}

/// The animations that a caller can choose from.
pub(super) fn infos(animations: &[Animation<'_>], accessors: &[Accessor<'_>]) -> Vec<AnimationInfo> {
    let end_s = |channel: &Channel| {
        let times = &accessors[channel.input];
        let last = times.decode::<1>(Some(&[times.count as u32 - 1]));
        f64::from(last[0][0])
    };
    let info = |animation: &Animation<'_>| AnimationInfo {
        name: animation.name.unwrap_or_default().to_owned(),
        duration_s: animation.channels.iter().map(end_s).filter(|end_s| end_s.is_finite()).fold(0.0, f64::max),
    };
    animations.iter().map(info).collect()
}

/// The poses of the nodes that the requested animation moves, and its index in the file.
pub(super) fn sample(
    animations: &[Animation<'_>],
    pose: &Pose,
    accessors: &[Accessor<'_>],
) -> Result<(usize, HashMap<u32, NodePose>), ImportError> {
    if animations.is_empty() {
        return Err(ImportError::new(Code::NoAnimation, "/animations", "the file has no animation"));
    }
    let names: Vec<&str> = animations.iter().map(|animation| animation.name.unwrap_or_default()).collect();
    let chosen = match &pose.animation {
        None => 0,
        Some(wanted) => names.iter().position(|name| name == wanted).ok_or_else(|| {
            let message = format!("there is no animation {}; {}", quoted(wanted), listed("animation", &names));
            ImportError::new(Code::Animation, "/animations", message).asking(wanted, &names)
        })?,
    };
    let mut poses: HashMap<u32, NodePose> = HashMap::new();
    for channel in &animations[chosen].channels {
        let values = channel.at(pose.time_s, accessors)?;
        let pose = poses.entry(channel.node).or_default();
        let vector = || DVec3::new(values[0], values[1], values[2]);
        match channel.property {
            Property::Translation => pose.translation = Some(vector()),
            Property::Scale => pose.scale = Some(vector()),
            Property::Rotation => pose.rotation = Some(DQuat::from_slice(&values)),
            Property::Weights => pose.weights = Some(values.iter().map(|&weight| weight as f32).collect()),
        }
    }
    Ok((chosen, poses))
}

impl Channel {
    /// How many values a keyframe has; each is one element, or three with tangents.
    fn values_per_key(&self, accessors: &[Accessor<'_>]) -> usize {
        let groups = if self.interpolation == Interpolation::CubicSpline { 3 } else { 1 };
        accessors[self.output].count / (accessors[self.input].count * groups)
    }

    fn check(&self, accessors: &[Accessor<'_>]) -> Result<(), String> {
        let (input, output) = (&accessors[self.input], &accessors[self.output]);
        let shape = match self.property {
            Property::Translation | Property::Scale => Shape::Vec3,
            Property::Rotation => Shape::Vec4,
            Property::Weights => Shape::Scalar,
        };
        let is_float = output.component == Component::F32;
        let may_be_integer = matches!(self.property, Property::Rotation | Property::Weights);
        if output.shape != shape || !(is_float || may_be_integer && output.normalized) {
            return Err(format!("{} of {} does not fit the property that is animated", output.shape, output.component));
        }
        let groups = if self.interpolation == Interpolation::CubicSpline { 3 } else { 1 };
        let per_key = input.count.checked_mul(groups);
        let fits = per_key.is_some_and(|per_key| match self.property {
            Property::Weights => output.count.is_multiple_of(per_key) && output.count >= per_key,
            _ => output.count == per_key,
        });
        match fits {
            true => Ok(()),
            false => Err(format!("the animation has {} values for {} times", output.count, input.count)),
        }
    }

    /// The value at a time; before the first keyframe it is that of the first, after the last that of the last.
    fn at(&self, time_s: f64, accessors: &[Accessor<'_>]) -> Result<Vec<f64>, ImportError> {
        let input = &accessors[self.input];
        let times: Vec<f64> = input.decode::<1>(None).into_iter().map(|[time]| f64::from(time)).collect();
        // Exporters that round the times of dense keyframes write the same time twice: from there on the later one
        // holds. NaN does not compare, so it is refused too.
        let is_in_order = |pair: &[f64]| pair[0] <= pair[1];
        if let Some(place) = times.windows(2).position(|pair| !is_in_order(pair)) {
            let message = "the times of an animation decrease";
            return Err(ImportError::new(Code::Accessor, input.pointer_to_element(place + 1), message));
        }
        // The keyframe before the time, and the fraction of the way to the next.
        let before = times.partition_point(|&time| time <= time_s).saturating_sub(1);
        let (from, to) = (times[before], times.get(before + 1).copied());
        let (step_s, along) = match to {
            Some(to) if time_s > from => (to - from, (time_s - from) / (to - from)),
            _ => (0.0, 0.0),
        };
        let value = |key, part| self.values(key, part, accessors);
        let here = match self.interpolation {
            Interpolation::CubicSpline => value(before, 1)?,
            _ => value(before, 0)?,
        };
        if along == 0.0 || self.interpolation == Interpolation::Step {
            return self.finished(here, accessors);
        }
        let next = before + 1;
        let mixed = match self.interpolation {
            Interpolation::CubicSpline => {
                let (leaving, there, arriving) = (value(before, 2)?, value(next, 1)?, value(next, 0)?);
                let t = along;
                let (t2, t3) = (t * t, t * t * t);
                let weights = [2.0 * t3 - 3.0 * t2 + 1.0, t3 - 2.0 * t2 + t, 3.0 * t2 - 2.0 * t3, t3 - t2];
                let at = |i: usize| {
                    weights[0] * here[i]
                        + weights[1] * step_s * leaving[i]
                        + weights[2] * there[i]
                        + weights[3] * step_s * arriving[i]
                };
                (0..here.len()).map(at).collect()
            }
            _ if self.property == Property::Rotation => {
                let (from, to) = (self.finished(here, accessors)?, self.finished(value(next, 0)?, accessors)?);
                // The shorter arc; glam negates where needed.
                DQuat::from_slice(&from).slerp(DQuat::from_slice(&to), along).to_array().to_vec()
            }
            _ => {
                let there = value(next, 0)?;
                here.iter().zip(there).map(|(here, there)| here + (there - here) * along).collect()
            }
        };
        self.finished(mixed, accessors)
    }

    /// The numbers of a keyframe. For a cubic spline, part 0 is the in-tangent, 1 the value, 2 the out-tangent.
    fn values(&self, key: usize, part: usize, accessors: &[Accessor<'_>]) -> Result<Vec<f64>, ImportError> {
        let output = &accessors[self.output];
        let length = self.values_per_key(accessors);
        let groups = if self.interpolation == Interpolation::CubicSpline { 3 } else { 1 };
        let first = (key * groups + part) * length;
        let selection: Vec<u32> = (first..first + length).map(|element| element as u32).collect();
        let values: Vec<f32> = match output.shape {
            Shape::Scalar => output.decode::<1>(Some(&selection)).into_flattened(),
            Shape::Vec3 => output.decode::<3>(Some(&selection)).into_flattened(),
            _ => output.decode::<4>(Some(&selection)).into_flattened(),
        };
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(values.into_iter().map(f64::from).collect()),
            false => {
                let at = output.pointer_to_element(first);
                Err(ImportError::new(Code::NonFinite, at, "a value of an animation is not finite"))
            }
        }
    }

    /// Normalises rotations.
    fn finished(&self, values: Vec<f64>, accessors: &[Accessor<'_>]) -> Result<Vec<f64>, ImportError> {
        if self.property != Property::Rotation {
            return Ok(values);
        }
        let rotation = DQuat::from_slice(&values);
        if rotation.length() < 1e-6 {
            let at = accessors[self.output].pointer();
            return Err(ImportError::new(
                Code::Schema,
                at,
                "a quaternion of an animation has length 0 and is not a rotation",
            ));
        }
        Ok(rotation.normalize().to_array().to_vec())
    }
}
