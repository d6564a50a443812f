//! Trueline compiles one KDL file per environment into Helm values, a Docker Compose file, runtime TOML
//! and MCP JSON that state the same facts. `docs/architecture.md` is the map.

pub mod diag;
pub mod expr;
pub mod plan;
pub mod source;
pub mod syntax;
pub mod value;
pub mod visible;
