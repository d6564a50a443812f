//! Trueline compiles one KDL file per environment into Helm values, a Docker Compose file, runtime TOML
//! and MCP JSON that state the same facts. `docs/architecture.md` is the map.

pub mod cli;
pub mod compile;
pub mod diag;
pub mod diff;
pub mod expr;
pub mod lock;
pub mod plan;
pub mod source;
pub mod syntax;
pub mod targets;
pub mod value;
pub mod visible;
