//! Trueline compiles one KDL file per environment into Helm values, a Docker Compose file, runtime TOML
//! and MCP JSON that state the same facts. `docs/architecture.md` is the map.

pub mod chart;
pub mod check;
pub mod cli;
pub mod compile;
pub mod diag;
pub mod diff;
pub mod emit;
pub mod escape;
pub mod explain;
pub mod expr;
pub mod facts;
pub mod fmt;
pub mod history;
pub mod image;
pub mod ledger;
pub mod lock;
pub mod lookup;
pub mod lower;
pub mod model;
pub mod plan;
pub mod read;
pub mod readback;
pub mod reference;
pub mod resolve;
pub mod schema;
pub mod seal;
pub mod sensitive;
pub mod settings;
pub mod source;
pub mod stdlib;
pub mod surface;
pub mod syntax;
pub mod targets;
pub mod value;
pub mod visible;
