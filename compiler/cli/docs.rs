//! `trueline docs STACK`: a stack as a page for people.

use super::{Failure, Outcome, console::Console, project::Project, report};
use crate::reference;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The stack
    stack: String,
}

pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Result<Outcome, Failure> {
    Ok(match project.stack(&arguments.stack)? {
        Ok((sources, stack)) => {
            console.answer(&reference::page(&stack, &sources));
            Outcome::Fine
        }
        Err(unread) => report::unread(console, unread),
    })
}
