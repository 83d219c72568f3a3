//! my_du, called as du, beside the machine's GNU du: the same output, the same messages, the same status.

mod case;
#[path = "../my_du_support/mod.rs"]
mod my_du_support;
mod nasty;
mod options;
mod places;
mod views;
