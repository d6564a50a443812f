//! Trueline compiles one KDL file per environment into Helm values, a Docker Compose file, runtime TOML
//! and MCP JSON that state the same facts. `docs/architecture.md` is the map.

pub mod check;
pub mod diag;
pub mod emit;
pub mod escape;
pub mod expr;
pub mod lookup;
pub mod lower;
pub mod model;
pub mod plan;
pub mod resolve;
pub mod schema;
pub mod source;
pub mod syntax;
pub mod targets;
pub mod value;
