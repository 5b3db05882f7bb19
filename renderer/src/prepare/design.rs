//! Designs on parts: a copy of each material that wears one, and the entry of `tables` that `stage/design.wgsl` reads.

use glam::DMat3;
use packshot_shaders::constants::{
    DESIGN_BY_UV0, DESIGN_BY_UV1, DESIGN_CYLINDRICAL, DESIGN_PLANAR, MATERIAL_PANE, TEXTURED_DESIGN,
};
use packshot_shaders::layout::scene::Material;

use super::RenderSpace;
use super::material::{Tables, make_coverable};
use super::product::MaterialOrigin;
use super::texture::TextureTable;
use crate::scene::{DesignFinish, DesignLay, Scene, WorldRow, WornDesign};

/// The designs of a scene, each with its entry in `tables`.
#[derive(Debug)]
pub(super) struct Designs<'a> {
    designs: Vec<(&'a WornDesign, u32)>,
    /// Materials that wear a design: that without it, the entry, and that with it.
    wearing: Vec<(u32, u32, u32)>,
}

impl<'a> Designs<'a> {
    /// Adds what the shader reads of them, except materials.
    pub(super) fn new(
        scene: &'a Scene,
        space: &RenderSpace,
        tables: &mut Tables,
        textures: &mut TextureTable<'_>,
    ) -> Self {
        let entry = |worn: &'a WornDesign| {
            let texture = textures.add_design(&worn.texture, worn.wraps);
            (worn, tables.entry(&entry(worn, texture, space)))
        };
        Self { designs: scene.designs.iter().map(entry).collect(), wearing: Vec::new() }
    }

    /// The material of a primitive of a part: `material`, or its copy with the design that the primitive wears, which
    /// is appended where it is not known yet.
    pub(super) fn worn(
        &mut self,
        (part, primitive): (usize, usize),
        material: u32,
        (materials, origins): (&mut Vec<Material>, &mut Vec<MaterialOrigin>),
        tables: &mut Tables,
    ) -> u32 {
        let is_on = |worn: &WornDesign| worn.surfaces.iter().any(|(on, at)| on.0 as usize == part && *at == primitive);
        let Some(&(_, design)) = self.designs.iter().find(|(worn, _)| is_on(worn)) else { return material };
        if let Some(&(.., with)) = self.wearing.iter().find(|(of, on, _)| (*of, *on) == (material, design)) {
            return with;
        }
        let plain = materials[material as usize];
        // Shadow rays that cross panes read no designs: through this one light is found by scattered rays alone.
        let flags = plain.flags & !MATERIAL_PANE;
        let mut wearing = Material { design, flags, textured: plain.textured | TEXTURED_DESIGN, ..plain };
        make_coverable(&mut wearing, tables);
        let with = materials.len() as u32;
        materials.push(wearing);
        origins.push(origins[material as usize]);
        self.wearing.push((material, design, with));
        with
    }
}

/// The numbers of an entry.
fn entry(worn: &WornDesign, texture: u32, space: &RenderSpace) -> Vec<f32> {
    let kind = match worn.lay {
        DesignLay::Coordinates { uv_set: 0, .. } => DESIGN_BY_UV0,
        DesignLay::Coordinates { .. } => DESIGN_BY_UV1,
        DesignLay::Planar { .. } => DESIGN_PLANAR,
        DesignLay::Cylindrical { .. } => DESIGN_CYLINDRICAL,
    };
    let ink = if worn.finish == DesignFinish::Ink { 1.0 } else { 0.0 };
    let mut entry = vec![f64::from(kind), f64::from(texture), f64::from(worn.opacity), ink];
    // Lengths are in render units, so that directions stay unit vectors and heights are above the origin.
    let length = |row: &WorldRow| in_render_space(row, space, space.units_per_m);
    // Three rows, a range, and how often the picture goes around.
    let (rows, [least, most], per_turn) = match &worn.lay {
        DesignLay::Coordinates { rows: [u, v], .. } => {
            let row = |[of_u, of_v, offset]: &[f64; 3]| [*of_u, *of_v, 0.0, *offset];
            ([row(u), row(v), [0.0; 4]], [0.0; 2], 0.0)
        }
        DesignLay::Planar { rows: [u, v], height, heights_m } => {
            let rows = [in_render_space(u, space, 1.0), in_render_space(v, space, 1.0), length(height)];
            (rows, heights_m.map(|height| height * space.units_per_m), 0.0)
        }
        DesignLay::Cylindrical { side, front, v, pictures_per_turn, radii_m } => {
            let rows = [length(side), length(front), in_render_space(v, space, 1.0)];
            (rows, radii_m.map(|radius| radius * space.units_per_m), *pictures_per_turn)
        }
    };
    entry.extend(rows.as_flattened().iter().chain(&[least, most, per_turn]));
    entry.into_iter().map(|number| number as f32).collect()
}

/// A row as a map of points in render space, times `scale`.
fn in_render_space(row: &WorldRow, space: &RenderSpace, scale: f64) -> [f64; 4] {
    let world_from_render = space.from_world().inverse();
    let linear: DMat3 = world_from_render.matrix3;
    let along = linear.transpose() * row.along * scale;
    let offset = row.at(world_from_render.translation) * scale;
    [along.x, along.y, along.z, offset]
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;

    #[test]
    fn a_row_has_the_same_value_in_render_space() {
        let space = RenderSpace { center: DVec3::new(0.2, -0.1, 0.7), units_per_m: 12.5 };
        let row = WorldRow { along: DVec3::new(0.6, 0.0, -0.8), offset: 0.3 };
        let point = DVec3::new(0.01, 0.5, -0.2);
        let [x, y, z, offset] = in_render_space(&row, &space, 1.0);
        let found = DVec3::new(x, y, z).dot(space.from_world().transform_point3(point)) + offset;
        assert!((found - row.at(point)).abs() < 1e-12, "{found}");
        let [x, y, z, _] = in_render_space(&row, &space, space.units_per_m);
        assert!((DVec3::new(x, y, z).length() - 1.0).abs() < 1e-12);
    }
}
