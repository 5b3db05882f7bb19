//! D01–D26, D28–D32, D34–D37, D39–D43, D52, D60, D63–D71: designs on products.

mod alone;
mod areas;
mod bench;
mod cancelling;
mod equal;
mod failing;
mod life;
mod of_runs;
mod presets;
mod previews;
mod progress;
mod refused;
mod reviewed;
mod story;
mod turntable;
