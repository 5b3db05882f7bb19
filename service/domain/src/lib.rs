//! What the service decides, without HTTP, SQL, JSON or clocks: names of things, states and what may follow them, who
//! may do what, and the document that says how a render is doing.
//!
//! Times come in as arguments, from the database's clock. All but the making of ids and keys, which is random, is pure,
//! so that each rule of the contract is a unit test beside it.

pub mod id;
pub mod hash;
pub mod object;
pub mod time;
pub mod words;
pub mod value;
pub mod change;
pub mod render;
pub mod job;
pub mod task;
pub mod stream;
pub mod event;
pub mod step;
pub mod document;
pub mod access;
pub mod principal;
pub mod reader;
pub mod secret;
pub mod key;
pub mod session;
pub mod user;
pub mod tenant;
pub mod audit;
pub mod network;
pub mod concurrency;
pub mod feature;
pub mod tenant_config;
pub mod artifact;
pub mod order;
pub mod cad_file;
pub mod product;
pub mod output_type;
pub mod executor;
pub mod rollout;
pub mod render_template;
pub mod media;
pub mod download;
pub mod channel;
pub mod webhook;
pub mod material_alias;
pub mod review;
pub mod fix;
pub mod design_job;
pub mod workflow;
