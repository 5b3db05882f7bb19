// Features that a scene may use. A backend that compiles the kernel for one scene switches off those that the scene
// does not use, and the driver's compiler removes their code: less to compile, and fewer registers. On the CPU,
// `shade` and `escape` in lanes are compiled for a few sets of them (`features.rs`); all other stages contain
// everything and test at run time.

// Surfaces that let rays through because of their opacity.
override HAS_OPACITY: bool = true;
// Materials with transmission or an inside.
override HAS_BODIES: bool = true;
// Fuzz, coats, thin films, brushed facets, and diffuse transmission.
override HAS_LAYERS: bool = true;
// Whatever is read at texture coordinates or interpolated between vertices, except normals.
override HAS_TEXTURES: bool = true;
// Grain and fine structures of library materials.
override HAS_RELIEF: bool = true;
// Rounded edges.
override HAS_BEVELS: bool = true;
// Smooth panes, through which light passes straight.
override HAS_PANES: bool = true;
// Designs on parts.
override HAS_DESIGNS: bool = true;
// Emissive surfaces that light sampling can choose.
override HAS_EMITTERS: bool = true;
