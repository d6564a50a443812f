//! What a plan, a Compose file or Kubernetes manifests say about programs, as facts in one normal form.
//!
//! In: workloads of a plan, and trees of files that were read. Out: [`Facts`], sorted; and what differs between two.
//! Never: a stack, how targets print.
//! Invariant: two ways to say the same thing give equal facts, and every kind and field of a fact has a row in [`crate::plan::KINDS`].

pub mod compare;
mod compose;
mod file;
mod kubernetes;
mod names;
mod plan;
mod set;
mod sink;
mod text;
mod units;
mod values;

pub use self::{
    compare::{Class, Difference, Said, Side, compare, compare_sides, same, side_by_side},
    compose::{Files, of_compose},
    kubernetes::{of_manifests, of_manifests_among},
    names::{Names, View},
    plan::of_workloads,
    set::{Facts, Iter},
    text::{normal, text_value},
    values::of_values,
};
use crate::{plan::Origin, source::Span, value::Value};

/// One statement about a workload.
#[derive(Clone, PartialEq, Debug)]
pub struct Fact {
    /// Its value in normal form: links name endpoints, secrets are references.
    pub value: Value,
    /// How the value comes to the program.
    pub delivery: Delivery,
    /// Whether the value is known.
    pub state: State,
    /// Where it was said.
    pub place: Place,
}

/// How a value comes to a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Delivery {
    /// It stands there.
    #[default]
    Literal,
    /// By a secret.
    Secret,
    /// By a configuration object, such as a `ConfigMap`.
    Config,
    /// By a field of the object that runs, such as `status.podIP`.
    Field,
    /// By a file, whose path the variable holds.
    File,
}

/// Whether a value is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum State {
    /// It is.
    #[default]
    Set,
    /// Somebody has to give it, such as `${X:?}`.
    Open,
    /// It may mean another thing tomorrow, such as the tag `latest`.
    Floating,
    /// It is made when it is installed.
    Generated,
}

/// Where a fact was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// Of a plan: the settings that it was computed from.
    pub origins: Vec<Origin>,
    /// Of a plan: the line of the stack.
    pub at: Span,
    /// Of a file: its line, counted from 1; 0 for a plan.
    pub line: u32,
}

/// Something in a file that facts cannot be made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// The line, counted from 1.
    pub line: u32,
    /// What was found and what was wanted; lower case, without a full stop.
    pub message: String,
}
