//! Bind mounts of single files: a file with one name that is met in two places.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};

use rustix::fs::{CWD, FileType};

use super::inode::{Facts, Inode};

/// A file that a part of some file system is mounted on.
pub(super) struct BoundFile {
    /// What is seen there.
    pub(super) file: Inode,
    /// Where it is seen. Seen by another way, the directory may show another file under that name.
    pub(super) directory: Inode,
}

/// The files, not directories, that are mount points in this process's view.
pub(super) fn bound_files() -> Vec<BoundFile> {
    let table = table().unwrap_or_default();
    table.split(|&byte| byte == b'\n').filter_map(bound_at).filter_map(bound_file).collect()
}

/// All of mountinfo, whose length the kernel tells nobody, in few reads.
fn table() -> io::Result<Vec<u8>> {
    let mut table = Vec::with_capacity(4096);
    File::open("/proc/self/mountinfo")?.read_to_end(&mut table)?;
    Ok(table)
}

/// Where a line of mountinfo mounts something else than the root of a file system.
fn bound_at(line: &[u8]) -> Option<Vec<u8>> {
    let mut fields = line.split(|&byte| byte == b' ').skip(3);
    let (root, mount_point) = (fields.next()?, fields.next()?);
    (root != b"/").then(|| unescape(mount_point))
}

fn bound_file(path: Vec<u8>) -> Option<BoundFile> {
    let above = path.iter().rposition(|&byte| byte == b'/')?;
    let directory = CString::new(&path[..=above]).ok()?;
    let facts = Facts::of_entry(CWD, &CString::new(path).ok()?).ok()?;
    if facts.kind == FileType::Directory {
        return None;
    }
    Some(BoundFile { file: facts.inode, directory: Facts::of_target(CWD, &directory).ok()?.inode })
}

/// Undoes the kernel's `\ooo` for white space and backslashes.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        match (first, after) {
            (b'\\', &[high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7', ref after @ ..]) => {
                plain.push((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'));
                rest = after;
            }
            _ => {
                plain.push(first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_file_system_is_told_from_a_whole_one() {
        let part = b"98 83 254:0 /etc\\040x /mnt/a\\040b\\134\\012c rw - ext4 /dev/vda rw";
        assert_eq!(bound_at(part).unwrap(), b"/mnt/a b\\\nc");
        assert_eq!(bound_at(b"98 83 254:0 / /mnt rw - ext4 /dev/vda rw"), None);
        assert_eq!(bound_at(b""), None);
        assert_eq!(unescape(b"\\9\\"), b"\\9\\");
    }
}
