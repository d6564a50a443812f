//! All tests that need the whole program; one binary, so that it is linked once.
#![allow(clippy::disallowed_methods, reason = "tests run the program in scratch folders")]

mod allow;
mod app;
mod canary;
mod charts;
mod cli;
mod diag;
mod edits;
mod effects;
mod error_pages;
mod expr_cel;
mod facts;
mod first_day;
mod flux;
mod fmt;
mod fuzz;
mod golden;
mod hostile;
mod image;
mod init;
mod lines;
mod made;
mod mutations;
mod pages;
mod properties;
mod readers;
mod rules;
mod schemas;
mod strace;
mod support;
mod surface;
mod tidy;
mod verify;
