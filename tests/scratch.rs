mod mutations;
mod support;
