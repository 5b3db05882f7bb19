// What a scene may hold. A backend that compiles the kernel for one scene says what is not there, and the driver's
// compiler leaves it out: less to compile, and fewer registers. The CPU's stages know everything and ask.

// Surfaces that let rays through by their opacity.
override HAS_OPACITY: bool = true;
// Materials with transmission or an inside.
override HAS_BODIES: bool = true;
// Fuzz, coats, thin films, brushed facets, and light that leaves diffusely on the other side.
override HAS_LAYERS: bool = true;
// Whatever is read at texture coordinates or interpolated between vertices, but for normals.
override HAS_TEXTURES: bool = true;
// Grain and fine structures of library materials.
override HAS_RELIEF: bool = true;
// Edges that are shown rounded.
override HAS_BEVELS: bool = true;
// Smooth panes, through which light goes straight on.
override HAS_PANES: bool = true;
// Emissive surfaces that light samples go to.
override HAS_EMITTERS: bool = true;
