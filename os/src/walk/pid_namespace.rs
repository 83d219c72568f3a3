//! The namespace of process ids that children would be in.

use std::fs;

const OWN: &str = "/proc/thread-self/ns/pid";
const CHILDRENS: &str = "/proc/thread-self/ns/pid_for_children";

/// Whether that is not this process's own, as after `unshare(CLONE_NEWPID)`. Children could then neither see who their
/// parent is nor fork siblings. Where there is no `/proc`, it is taken for the same.
pub(super) fn is_another_for_children() -> bool {
    match (fs::read_link(OWN), fs::read_link(CHILDRENS)) {
        (Ok(own), Ok(childrens)) => own != childrens,
        // The namespace has no name before its first process. Kernels before 4.12 lack the link itself.
        (Ok(_), Err(_)) => fs::symlink_metadata(CHILDRENS).is_ok(),
        (Err(_), _) => false,
    }
}
