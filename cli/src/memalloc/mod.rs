//! The workbench: replaying allocation traces, and drawing the heaps they leave.
//!
//! ```text
//!   options ─▶ Config ─▶ run ─┬▶ input ─▶ trace
//!                             ├▶ replay ─▶ subject, verify       ─▶ report
//!                             └▶ draw ─▶ picture                 ─▶ terminal, svg
//! ```

#[path = "../colour.rs"]
mod colour;
mod draw;
mod harmless;
mod input;
mod options;
mod overview;
mod picture;
mod replay;
mod report;
pub(crate) mod run;
#[path = "../standard.rs"]
mod standard;
mod subject;
mod supply;
mod svg;
mod terminal;
mod trace;
mod verify;
