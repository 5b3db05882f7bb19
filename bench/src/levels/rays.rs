//! Rays per second by kind, without shading: Packshot's traversal, and Embree as Mitsuba calls it, on the same rays.
//!
//! Both trace arrays of rays into arrays of hits with all threads, on the processor whatever device is asked for. The
//! nodes and triangles that a ray tests are counted in the binary tree that a GPU traverses, of which the processor's
//! is a wider form.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use packshot_pipeline::error::Error;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::rays::{Ray, RayKind, RayQuery};
use packshot_renderer::backend::{Backend, LoadedShot};
use packshot_renderer::prepare::{PreparedProduct, PreparedShot, RenderSpace, TabulatedMaps};
use serde::{Deserialize, Serialize};

use super::Row;
use crate::process;
use crate::renderer::Peer;
use crate::rounds::{Spread, order};
use crate::session::{Session, failed};
use crate::subject::{Subject, not_written};

/// Rays of a kind, about.
const RAYS: u32 = 1 << 20;
/// How often all of them are traced in a round, after once to warm up.
const TIMES: usize = 5;
/// Rays whose tests are counted, about.
const COUNTED: usize = 20_000;

/// The figures of a renderer for a kind of ray.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// camera, bounce, or shadow.
    pub kind: &'static str,
    /// Rays that were traced each time.
    pub rays: usize,
    /// Of them hit something.
    pub hits: usize,
    /// Millions per second.
    pub m_rays_per_s: Spread,
    /// How many times faster Packshot traces them.
    pub ratio: Option<Spread>,
    /// Nodes that a ray tests in a binary tree; only of Packshot.
    pub nodes_per_ray: Option<f64>,
    /// Triangles that a ray tests; only of Packshot.
    pub triangles_per_ray: Option<f64>,
}

/// What a peer says of rays.
#[derive(Clone, Debug, Deserialize)]
struct ToldRays {
    seconds: Vec<f64>,
    hits: usize,
}

/// A shot, ready to be traced.
struct Tracer {
    prepared: PreparedShot,
    loaded: Box<dyn LoadedShot>,
    space: RenderSpace,
}

/// # Errors
/// `cancelled`, or what is wrong with a shot.
pub(crate) fn measure(session: &Session<'_>, subjects: &[Subject]) -> Result<Vec<Row<Figures>>, Error> {
    let mut rows = Vec::new();
    for subject in subjects {
        let tracer = Tracer::new(session, subject)?;
        for kind in RayKind::ALL {
            let rays = tracer.prepared.rays(kind, RAYS, &*tracer.loaded, session.cancel()).map_err(Error::from)?;
            if rays.is_empty() {
                session.tell(&format!("rays, {}: the camera sees nothing", subject.name));
                continue;
            }
            rows.extend(of_kind(session, subject, &tracer, (kind, &rays))?);
        }
    }
    Ok(rows)
}

impl Tracer {
    fn new(session: &Session<'_>, subject: &Subject) -> Result<Self, Error> {
        let Subject { product, materials, still, .. } = subject;
        let cancel = session.cancel();
        let is_cancelled = || cancel.is_cancelled();
        let entries = materials.entries();
        let prepared =
            PreparedProduct::new(&product.scene, &entries, &materials.parts, still.floor.as_ref(), &is_cancelled);
        let product = Arc::new(prepared.map_err(Error::from)?);
        let space = product.space;
        let prepared = PreparedShot::new(&product, still, TabulatedMaps::default().tables(&still.environment));
        let threads = usize::from(session.settings.threads);
        let backend = CpuBackend::new(threads, "the benchmark".to_owned()).map_err(failed)?;
        let loaded = backend.load(product, cancel).map_err(Error::from)?;
        let loaded = loaded.load(prepared.clone()).map_err(Error::from)?;
        Ok(Self { prepared, loaded, space })
    }
}

fn of_kind(
    session: &Session<'_>,
    subject: &Subject,
    tracer: &Tracer,
    (kind, rays): (RayKind, &[Ray]),
) -> Result<Vec<Row<Figures>>, Error> {
    let peer = session.renderers.iter().find(|renderer| renderer.peer == Some(Peer::Mitsuba));
    let file = session.path("rays.bin");
    if peer.is_some() {
        write(&file, rays, &tracer.space).map_err(|reason| not_written(&file, &reason))?;
    }
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    let (mut hits, mut their_hits, mut fault) = (0, 0, None);
    for round in 0..session.settings.rounds {
        for i in order(2, round) {
            if i == 0 {
                let mut seconds = Vec::new();
                // As often as a peer: once to warm up, then the median of the others.
                for _ in 0..=TIMES {
                    let traced = tracer.loaded.trace(rays, kind.query(), session.cancel()).map_err(Error::from)?;
                    hits = traced.hits.iter().filter(|hit| !hit.is_miss()).count();
                    seconds.push(traced.time.as_secs_f64());
                }
                own.push(Spread::of(seconds.into_iter().skip(1)).map(|seconds| seconds.median));
            } else if peer.is_some() && fault.is_none() {
                match embree(session, subject, (&file, kind.query()))? {
                    Ok(told) => {
                        their_hits = told.hits;
                        theirs.push(Spread::of(told.seconds).map(|seconds| seconds.median));
                    }
                    Err(why) => fault = Some(why),
                }
            }
        }
    }
    let name = kind.name();
    session.tell(&format!("rays, {}, {name}: {} rays", subject.name, rays.len()));
    let rate =
        |seconds: &[Option<f64>]| Spread::of(seconds.iter().flatten().map(|seconds| rays.len() as f64 / seconds / 1e6));
    let some: Vec<Ray> = rays.iter().step_by((rays.len() / COUNTED).max(1)).copied().collect();
    let (n_nodes, n_triangles) = tracer.prepared.trace_work(&some, kind.query());
    let row = |renderer, figures, fault| Row { shot: subject.name.clone(), renderer, figures, fault };
    let figures = rate(&own).map(|m_rays_per_s| Figures {
        kind: name,
        rays: rays.len(),
        hits,
        m_rays_per_s,
        ratio: Spread::times_faster(&own, &own),
        nodes_per_ray: Some(n_nodes),
        triangles_per_ray: Some(n_triangles),
    });
    let mut rows = vec![row("packshot", figures, None)];
    if peer.is_some() {
        let figures = rate(&theirs).map(|m_rays_per_s| Figures {
            kind: name,
            rays: rays.len(),
            hits: their_hits,
            m_rays_per_s,
            ratio: Spread::times_faster(&theirs, &own),
            nodes_per_ray: None,
            triangles_per_ray: None,
        });
        rows.push(row("embree (mitsuba)", figures, fault));
    }
    Ok(rows)
}

fn embree(
    session: &Session<'_>,
    subject: &Subject,
    (rays, query): (&Path, RayQuery),
) -> Result<Result<ToldRays, String>, Error> {
    let query = match query {
        RayQuery::Closest => "closest",
        RayQuery::ClosestCoherent => "coherent",
        RayQuery::Any => "any",
    };
    let mut command = session.installation.python(Peer::Mitsuba);
    command.arg(&subject.peer_scene).arg("--rays").arg(rays).args(["--query", query]);
    command.args(["--threads", &session.settings.threads.to_string()]);
    let limit = Duration::from_secs(session.settings.run_limit_s);
    let ended = process::run::<ToldRays>(&mut command, limit, &|| session.cancel().is_cancelled());
    session.check()?;
    Ok(ended.map(|timed| timed.told))
}

/// Writes rays as a peer reads them: origin, least distance, direction, greatest distance, in the frame of the world.
fn write(path: &Path, rays: &[Ray], space: &RenderSpace) -> std::io::Result<()> {
    let world_from_render = space.from_world().inverse();
    let mut out = BufWriter::new(File::create(path)?);
    for ray in rays {
        // Distances are in units of the direction's length, and stay as they are.
        let origin = world_from_render.transform_point3(ray.origin.as_dvec3()).as_vec3();
        let direction = world_from_render.transform_vector3(ray.direction.as_dvec3()).as_vec3();
        let t_max = if ray.t_max == f32::MAX { f32::INFINITY } else { ray.t_max };
        for value in [origin.x, origin.y, origin.z, ray.t_min, direction.x, direction.y, direction.z, t_max] {
            out.write_all(&value.to_le_bytes())?;
        }
    }
    out.flush()
}
