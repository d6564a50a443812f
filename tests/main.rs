//! The tests that see the compiler from outside.

mod readers;
