//! One binary for all tests that see Trueline from outside.

mod expr_cel;
