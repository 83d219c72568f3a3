//! What a walk has to say, and its form on the pipe.
//!
//! A record is a header of [`HEAD`] bytes in native byte order, and a name. Directories are announced one component at
//! a time ([`Record::Place`]), so that a path of any length travels in records that each fit into one atomic write.

use rustix::pipe::PIPE_BUF;

use super::inode::Inode;

/// Bytes of the header: task, length, kind, flag, two numbers, inode, size.
const HEAD: usize = 4 + 2 + 1 + 1 + 4 + 4 + 8 + 8 + 8;

/// Bytes of the longest name that a record holds: whatever a system call takes fits but for the last few bytes of
/// `PATH_MAX`, which no file system's names reach.
const LONGEST_NAME: usize = PIPE_BUF - HEAD;

/// What could not be done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It could not be looked at.
    Access,
    /// Its entries could not be read.
    ReadDirectory,
}

/// One thing a walk has to say. A `place` is a directory by a number that holds within one task; 0 is the directory
/// in which the task's sub-directory lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    /// A directory: its own size and that of all its entries with one name only, if they could be read.
    Directory { inode: Inode, bytes: u64, read: bool },
    /// A file that may be met again under another name.
    Linked { inode: Inode, bytes: u64 },
    /// The directory `name` of the place `parent` is the place `id` from now on; ids count up from 1.
    Place { id: u32, parent: u32, inode: Inode, name: &'a [u8] },
    /// A symbolic link.
    Link { place: u32, name: &'a [u8] },
    /// Something that could not be read: the entry `name` of a place, or the place itself if the name is empty.
    Trouble { place: u32, failed: Failed, errno: u32, name: &'a [u8] },
    /// The task is done; nothing follows.
    End,
}

/// All fields that any record has; what one does not use is zero.
#[derive(Default)]
struct Fields<'a> {
    kind: u8,
    flag: u8,
    place: u32,
    number: u32,
    inode: Inode,
    bytes: u64,
    name: &'a [u8],
}

impl<'a> Record<'a> {
    /// Writes the record of `task` to the start of `out` and says how many bytes it took; `None` if it has no room.
    pub(super) fn encode(&self, task: u32, out: &mut [u8]) -> Option<usize> {
        let fields = self.fields();
        let name = fields.name.get(..LONGEST_NAME).unwrap_or(fields.name);
        let length = HEAD + name.len();
        let (head, rest) = out.get_mut(..length)?.split_at_mut_checked(HEAD)?;
        let mut head = Writer(head);
        head.put(&task.to_ne_bytes());
        head.put(&(length as u16).to_ne_bytes());
        head.put(&[fields.kind, fields.flag]);
        head.put(&fields.place.to_ne_bytes());
        head.put(&fields.number.to_ne_bytes());
        head.put(&fields.inode.dev.to_ne_bytes());
        head.put(&fields.inode.ino.to_ne_bytes());
        head.put(&fields.bytes.to_ne_bytes());
        Writer(rest).put(name);
        Some(length)
    }

    /// Reads the record at the start of `bytes`: its task, itself, and the bytes after it; `None` if it is not there
    /// in whole.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<(u32, Self, &'a [u8])> {
        let mut head = Reader(bytes);
        let task = u32::from_ne_bytes(head.take()?);
        let length = usize::from(u16::from_ne_bytes(head.take()?));
        let [kind, flag] = head.take()?;
        let fields = Fields {
            kind,
            flag,
            place: u32::from_ne_bytes(head.take()?),
            number: u32::from_ne_bytes(head.take()?),
            inode: Inode { dev: u64::from_ne_bytes(head.take()?), ino: u64::from_ne_bytes(head.take()?) },
            bytes: u64::from_ne_bytes(head.take()?),
            name: bytes.get(HEAD..length)?,
        };
        Some((task, Self::from_fields(fields), &bytes[length..]))
    }

    fn fields(&self) -> Fields<'a> {
        match *self {
            Self::Directory { inode, bytes, read } => {
                Fields { kind: b'd', flag: read.into(), inode, bytes, ..Fields::default() }
            }
            Self::Linked { inode, bytes } => Fields { kind: b'f', inode, bytes, ..Fields::default() },
            Self::Place { id, parent, inode, name } => {
                Fields { kind: b'p', place: parent, number: id, inode, name, ..Fields::default() }
            }
            Self::Link { place, name } => Fields { kind: b'l', place, name, ..Fields::default() },
            Self::Trouble { place, failed, errno, name } => {
                let flag = (failed == Failed::ReadDirectory).into();
                Fields { kind: b't', flag, place, number: errno, name, ..Fields::default() }
            }
            Self::End => Fields { kind: b'e', ..Fields::default() },
        }
    }

    fn from_fields(fields: Fields<'a>) -> Self {
        let Fields { kind, flag, place, number, inode, bytes, name } = fields;
        match kind {
            b'd' => Self::Directory { inode, bytes, read: flag != 0 },
            b'f' => Self::Linked { inode, bytes },
            b'p' => Self::Place { id: number, parent: place, inode, name },
            b'l' => Self::Link { place, name },
            b't' => {
                let failed = if flag == 0 { Failed::Access } else { Failed::ReadDirectory };
                Self::Trouble { place, failed, errno: number, name }
            }
            _ => Self::End,
        }
    }
}

/// Fills a buffer from the left.
struct Writer<'b>(&'b mut [u8]);

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        if let Some((head, rest)) = std::mem::take(&mut self.0).split_at_mut_checked(bytes.len()) {
            head.copy_from_slice(bytes);
            self.0 = rest;
        }
    }
}

/// Takes a buffer apart from the left.
struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INODE: Inode = Inode { dev: u64::MAX - 1, ino: 1 << 40 };

    const ALL: [Record<'static>; 8] = [
        Record::Directory { inode: INODE, bytes: u64::MAX, read: true },
        Record::Directory { inode: INODE, bytes: 0, read: false },
        Record::Linked { inode: INODE, bytes: 7 },
        Record::Place { id: 3, parent: u32::MAX, inode: INODE, name: b"\n\xff" },
        Record::Link { place: 1, name: b"l" },
        Record::Trouble { place: 0, failed: Failed::Access, errno: 13, name: b"" },
        Record::Trouble { place: 9, failed: Failed::ReadDirectory, errno: 5, name: b"x" },
        Record::End,
    ];

    #[test]
    fn what_is_written_is_read() {
        let mut buffer = [0; 1024];
        let mut end = 0;
        for (task, record) in (0..).zip(ALL) {
            end += record.encode(task, &mut buffer[end..]).unwrap();
        }
        let mut rest = &buffer[..end];
        for (expected_task, expected) in (0..).zip(ALL) {
            let (task, record, after) = Record::decode(rest).unwrap();
            assert_eq!((task, record), (expected_task, expected));
            rest = after;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn a_part_of_a_record_is_no_record() {
        let mut buffer = [0; 64];
        let length = ALL[4].encode(0, &mut buffer).unwrap();
        assert!((0..length).all(|part| Record::decode(&buffer[..part]).is_none()));
        assert!(ALL[4].encode(0, &mut buffer[..length - 1]).is_none());
    }

    #[test]
    fn the_longest_record_is_one_atomic_write() {
        let mut buffer = [0; 2 * PIPE_BUF];
        let endless = Record::Link { place: 0, name: &[b'x'; PIPE_BUF] };
        assert_eq!(endless.encode(0, &mut buffer), Some(PIPE_BUF));
        const { assert!(LONGEST_NAME > 8 * 255) };
    }
}
