//! All tests that need the whole program; one binary, so that it is linked once.
#![allow(clippy::disallowed_methods, reason = "tests run the program in scratch folders")]

mod allow;
mod app;
mod canary;
mod charts;
mod cli;
mod combinations;
mod diag;
mod error_pages;
mod examples;
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
mod local;
mod made;
mod mutations;
mod pages;
mod properties;
mod readers;
mod rendered;
mod schemas;
mod start;
mod strace;
mod support;
mod surface;
mod tidy;
mod verify;
