//! The words that members of a request may be.

use packshot_renderer::look;
use packshot_renderer::shot::{self, AgxLook};

words! {
    /// What is made of a product.
    pub enum Kind = packshot_domain::render::RenderKind {
        /// One picture.
        Still = "still",
        /// The turning product: frames, and films of them.
        Turntable = "turntable",
        /// Pictures from several sides.
        Views = "views",
    }
}

words! {
    /// Reconstruction filters.
    pub enum Filter {
        /// The Blackman-Harris window, 1.5 px.
        BlackmanHarris = "blackman_harris",
        /// The pixel's own square.
        Box = "box",
    }
}

words! {
    /// Where a picture is taken from.
    pub enum View {
        /// Azimuth 0°.
        Front = "front",
        /// Azimuth 90°.
        Right = "right",
        /// Azimuth 180°.
        Back = "back",
        /// Azimuth 270°.
        Left = "left",
        /// From +Y.
        Top = "top",
        /// From −Y.
        Bottom = "bottom",
        /// Azimuth 35°, elevation 20°.
        ThreeQuarter = "three_quarter",
    }
}

words! {
    /// Sets of views.
    pub enum ViewSet {
        /// `front`, `right`, `back`, `left`, `top`, `bottom`.
        SixView = "six_view",
        /// Once around in steps of 60°, from 20° above.
        SixYaw = "six_yaw",
    }
}

words! {
    /// Where one of several pictures is taken from; its name is that of its files.
    pub enum ViewName {
        /// Azimuth 0°.
        Front = "front",
        /// Azimuth 90°.
        Right = "right",
        /// Azimuth 180°.
        Back = "back",
        /// Azimuth 270°.
        Left = "left",
        /// From +Y.
        Top = "top",
        /// From −Y.
        Bottom = "bottom",
        /// Azimuth 35°, elevation 20°.
        ThreeQuarter = "three_quarter",
        /// Azimuth 0°, elevation 20°.
        Front0Deg = "front_0deg",
        /// Azimuth 60°, elevation 20°.
        Right60Deg = "right_60deg",
        /// Azimuth 120°, elevation 20°.
        Right120Deg = "right_120deg",
        /// Azimuth 180°, elevation 20°.
        Back180Deg = "back_180deg",
        /// Azimuth 240°, elevation 20°.
        Left240Deg = "left_240deg",
        /// Azimuth 300°, elevation 20°.
        Left300Deg = "left_300deg",
    }
}

words! {
    /// How large several views show the product.
    pub enum Scale {
        /// Each as large as it can be.
        PerView = "per_view",
        /// All as large as the one that needs the most room.
        Shared = "shared",
    }
}

words! {
    /// Which way a product turns, as seen from above.
    pub enum TurnDirection {
        /// Counter-clockwise: the front goes to the right.
        Ccw = "ccw",
        /// Clockwise.
        Cw = "cw",
    }
}

words! {
    /// What moves when a product turns.
    pub enum TurnMode {
        /// The product, under light that stands still.
        Product = "product",
        /// The camera, around the product and its light.
        Orbit = "orbit",
    }
}

words! {
    /// Axes that can point up.
    pub enum UpAxis {
        /// As glTF defines it.
        Y = "y",
        /// As many CAD systems have it.
        Z = "z",
    }
}

words! {
    /// What lights a product.
    pub enum Light {
        /// Large softboxes all around.
        StudioSoft = "studio_soft",
        /// Narrow strips between black flags.
        StudioContrast = "studio_contrast",
        /// Key, fill and rim.
        ThreePoint = "three_point",
        /// The same from everywhere.
        White = "white",
        /// The lights of the file.
        Glb = "glb",
        /// The map of the member `environment`, or of the part of that name.
        Environment = "environment",
        /// What the template paints.
        Template = "template",
    }
}

words! {
    /// View transforms.
    pub enum ViewTransform {
        /// Filmic: highlights bleach gently.
        Agx = "agx",
        /// AgX with contrast 1.57.
        AgxVeryHighContrast = "agx_very_high_contrast",
        /// AgX with contrast 1.4.
        AgxHighContrast = "agx_high_contrast",
        /// AgX with contrast 1.2.
        AgxMediumHighContrast = "agx_medium_high_contrast",
        /// AgX with contrast 1: the plain one but for rounding.
        AgxBaseContrast = "agx_base_contrast",
        /// AgX with contrast 0.9.
        AgxMediumLowContrast = "agx_medium_low_contrast",
        /// AgX with contrast 0.8.
        AgxLowContrast = "agx_low_contrast",
        /// AgX with contrast 0.7.
        AgxVeryLowContrast = "agx_very_low_contrast",
        /// AgX with deeper, more colourful shadows.
        AgxPunchy = "agx_punchy",
        /// AgX without colour.
        AgxGreyscale = "agx_greyscale",
        /// Keeps base colours.
        KhronosNeutral = "khronos_neutral",
        /// The sRGB curve, clipped.
        Standard = "standard",
        /// The linear numbers, clipped.
        Raw = "raw",
    }
}

impl ViewTransform {
    /// The renderer's own.
    pub const fn renderer(self) -> shot::ViewTransform {
        use shot::ViewTransform as Own;
        match self {
            Self::Agx => Own::Agx,
            Self::AgxVeryHighContrast => Own::AgxLook(AgxLook::VeryHighContrast),
            Self::AgxHighContrast => Own::AgxLook(AgxLook::HighContrast),
            Self::AgxMediumHighContrast => Own::AgxLook(AgxLook::MediumHighContrast),
            Self::AgxBaseContrast => Own::AgxLook(AgxLook::BaseContrast),
            Self::AgxMediumLowContrast => Own::AgxLook(AgxLook::MediumLowContrast),
            Self::AgxLowContrast => Own::AgxLook(AgxLook::LowContrast),
            Self::AgxVeryLowContrast => Own::AgxLook(AgxLook::VeryLowContrast),
            Self::AgxPunchy => Own::AgxLook(AgxLook::Punchy),
            Self::AgxGreyscale => Own::AgxLook(AgxLook::Greyscale),
            Self::KhronosNeutral => Own::KhronosNeutral,
            Self::Standard => Own::Standard,
            Self::Raw => Own::Raw,
        }
    }
}

words! {
    /// Whose reading of a file's materials and lights is followed.
    pub enum Look {
        /// As the specifications say.
        Gltf = "gltf",
        /// As Blender 5.0 shows it.
        Blender50 = "blender-5.0",
    }
}

impl Look {
    /// The renderer's own.
    pub const fn renderer(self) -> look::Look {
        match self {
            Self::Gltf => look::Look::Gltf,
            Self::Blender50 => look::Look::Blender50,
        }
    }
}

words! {
    /// What a product stands on.
    pub enum GroundWord {
        /// Nothing: it floats.
        None = "none",
        /// Its shadows alone, for laying over other pictures.
        Shadow = "shadow",
        /// Its shadows and its reflection in a polished ground.
        Reflection = "reflection",
        /// An endless floor.
        Floor = "floor",
        /// A floor that rises to a wall behind it.
        Sweep = "sweep",
    }
}

words! {
    /// Layers of an EXR beside the picture.
    pub enum Aov {
        /// Base colour.
        Albedo = "albedo",
        /// Direction of the surface.
        Normal = "normal",
        /// Distance from the camera.
        Depth = "depth",
        /// Place in the world.
        Position = "position",
        /// Texture coordinates.
        Uv = "uv",
        /// Light that surfaces emit.
        Emission = "emission",
        /// The share of direct light that arrives.
        Shadow = "shadow",
        /// Cryptomatte of nodes.
        ObjectId = "object_id",
        /// Cryptomatte of parts.
        PartId = "part_id",
        /// Cryptomatte of materials.
        MaterialId = "material_id",
        /// Outlines, borders and creases.
        Edges = "edges",
        /// Borders of triangles.
        Wireframe = "wireframe",
        /// The picture by light.
        LightGroups = "light_groups",
        /// Samples of each pixel.
        Samples = "samples",
        /// Variance of each pixel's mean.
        Variance = "variance",
    }
}

words! {
    /// When noise is removed.
    pub enum Denoise {
        /// From pictures for eyes: not from EXR and the view `raw`.
        Auto = "auto",
        /// From all pictures.
        On = "on",
        /// Never.
        Off = "off",
    }
}

words! {
    /// What becomes of parts that nothing matches.
    pub enum OnUnmapped {
        /// The fallback material.
        Magenta = "magenta",
        /// The file's own material.
        Keep = "keep",
        /// No picture.
        Fail = "fail",
    }
}

words! {
    /// Formats of result files.
    pub enum Format {
        /// Display-referred, lossless.
        Png = "png",
        /// Scene-linear.
        Exr = "exr",
        /// Display-referred, lossy, over white where nothing is behind the product.
        Jpg = "jpg",
        /// Display-referred; of a turntable a film.
        WebP = "webp",
        /// Display-referred, lossy.
        Avif = "avif",
        /// Display-referred, or of 32 bits and scene-linear; lossless.
        Tiff = "tiff",
        /// A film, H.264, over white where nothing is behind the product.
        Mp4 = "mp4",
        /// A film, lossless.
        Apng = "apng",
        /// All pictures as PNG in one file.
        Zip = "zip",
    }
}

words! {
    /// Precision of an EXR.
    pub enum ExrPrecision {
        /// 16 bits.
        Half = "half",
        /// 32 bits.
        Float = "float",
    }
}
