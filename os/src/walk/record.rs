//! What a walk has to say, and its form on the pipe.
//!
//! A record is a header of [`HEAD`] bytes in native byte order, and a name. Directories are announced one component at
//! a time ([`Record::Place`]), so that a path of any length travels in records that each fit into one atomic write.

use rustix::pipe::PIPE_BUF;

use super::inode::Inode;

/// Bytes of the header: worker, length, kind, flag, place, inode, number.
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

/// A directory by the worker that announced it, and by how many that worker had announced before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PlaceId {
    pub(super) worker: u32,
    pub(super) number: u32,
}

/// One thing a walk has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    /// A directory: its own size and that of all its entries with one name only, if they could be read.
    Directory { inode: Inode, bytes: u64, read: bool },
    /// The same of a part of a directory that several workers read; `parts` is the same for all of its parts.
    Part { inode: Inode, bytes: u64, parts: u32 },
    /// A file that may be met again under another name.
    Linked { inode: Inode, bytes: u64 },
    /// The directory `name` of `parent` is the worker's next place.
    Place { parent: PlaceId, inode: Inode, name: &'a [u8] },
    /// A symbolic link to the directory `inode`.
    Link { place: PlaceId, inode: Inode, name: &'a [u8] },
    /// A file with one name that a symbolic link leads to, and the directory that holds the name, if that is known.
    Loose { inode: Inode, bytes: u64, home: Option<Inode> },
    /// Something that could not be read: the entry `name` of a place, or the place itself if the name is empty.
    Trouble { place: PlaceId, failed: Failed, errno: u32, name: &'a [u8] },
    /// The worker is done, and is about to leave its slot; nothing follows.
    End { slot: u32 },
}

/// All fields that any record has; what one does not use is zero.
#[derive(Default)]
struct Fields<'a> {
    kind: u8,
    flag: u8,
    place: PlaceId,
    inode: Inode,
    /// Bytes, or any other number.
    number: u64,
    /// Stands in the place of a name.
    home: Option<Inode>,
    name: &'a [u8],
}

impl<'a> Record<'a> {
    /// Writes a worker's record to the start of `out` and says how many bytes it took; `None` if it has no room.
    pub(super) fn encode(&self, worker: u32, out: &mut [u8]) -> Option<usize> {
        let fields = self.fields();
        let home = fields.home.map(Inode::to_bytes);
        let name = home.as_ref().map_or(fields.name, <[u8; _]>::as_slice);
        let name = name.get(..LONGEST_NAME).unwrap_or(name);
        let length = HEAD + name.len();
        let (head, rest) = out.get_mut(..length)?.split_at_mut_checked(HEAD)?;
        let mut head = Writer(head);
        head.put(&worker.to_ne_bytes());
        head.put(&(length as u16).to_ne_bytes());
        head.put(&[fields.kind, fields.flag]);
        head.put(&fields.place.worker.to_ne_bytes());
        head.put(&fields.place.number.to_ne_bytes());
        head.put(&fields.inode.to_bytes());
        head.put(&fields.number.to_ne_bytes());
        Writer(rest).put(name);
        Some(length)
    }

    /// Reads the record at the start of `bytes`: its worker, itself, and the bytes after it; `None` if it is not there
    /// in whole.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<(u32, Self, &'a [u8])> {
        let mut head = Reader(bytes);
        let worker = u32::from_ne_bytes(head.take()?);
        let length = usize::from(u16::from_ne_bytes(head.take()?));
        let [kind, flag] = head.take()?;
        let name = bytes.get(HEAD..length)?;
        let fields = Fields {
            kind,
            flag,
            place: PlaceId {
                worker: u32::from_ne_bytes(head.take()?),
                number: u32::from_ne_bytes(head.take()?),
            },
            inode: Inode::from_bytes(head.take()?),
            number: u64::from_ne_bytes(head.take()?),
            home: name.first_chunk().copied().map(Inode::from_bytes),
            name,
        };
        Some((worker, Self::from_fields(fields), &bytes[length..]))
    }

    fn fields(&self) -> Fields<'a> {
        match *self {
            Self::Directory { inode, bytes, read } => {
                Fields { kind: b'd', flag: read.into(), inode, number: bytes, ..Fields::default() }
            }
            Self::Part { inode, bytes, parts } => {
                let place = PlaceId { worker: parts, number: 0 };
                Fields { kind: b's', place, inode, number: bytes, ..Fields::default() }
            }
            Self::Linked { inode, bytes } => Fields { kind: b'f', inode, number: bytes, ..Fields::default() },
            Self::Place { parent, inode, name } => {
                Fields { kind: b'p', place: parent, inode, name, ..Fields::default() }
            }
            Self::Link { place, inode, name } => {
                Fields { kind: b'l', place, inode, name, ..Fields::default() }
            }
            Self::Loose { inode, bytes, home } => {
                Fields { kind: b'h', inode, number: bytes, home, ..Fields::default() }
            }
            Self::Trouble { place, failed, errno, name } => {
                let flag = (failed == Failed::ReadDirectory).into();
                Fields { kind: b't', flag, place, number: errno.into(), name, ..Fields::default() }
            }
            Self::End { slot } => Fields { kind: b'e', number: slot.into(), ..Fields::default() },
        }
    }

    fn from_fields(fields: Fields<'a>) -> Self {
        let Fields { kind, flag, place, inode, number, home, name } = fields;
        match kind {
            b'd' => Self::Directory { inode, bytes: number, read: flag != 0 },
            b's' => Self::Part { inode, bytes: number, parts: place.worker },
            b'f' => Self::Linked { inode, bytes: number },
            b'p' => Self::Place { parent: place, inode, name },
            b'l' => Self::Link { place, inode, name },
            b'h' => Self::Loose { inode, bytes: number, home },
            b't' => {
                let failed = if flag == 0 { Failed::Access } else { Failed::ReadDirectory };
                Self::Trouble { place, failed, errno: number as u32, name }
            }
            _ => Self::End { slot: number as u32 },
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

    const PLACE: PlaceId = PlaceId { worker: 1, number: u32::MAX };

    const ALL: [Record<'static>; 11] = [
        Record::Directory { inode: INODE, bytes: u64::MAX, read: true },
        Record::Directory { inode: INODE, bytes: 0, read: false },
        Record::Part { inode: INODE, bytes: u64::MAX, parts: u32::MAX },
        Record::Linked { inode: INODE, bytes: 7 },
        Record::Place { parent: PLACE, inode: INODE, name: b"\n\xff" },
        Record::Link { place: PLACE, inode: INODE, name: b"l" },
        Record::Loose { inode: INODE, bytes: 7, home: Some(Inode { dev: 2, ino: u64::MAX }) },
        Record::Loose { inode: INODE, bytes: 7, home: None },
        Record::Trouble { place: PLACE, failed: Failed::Access, errno: 13, name: b"" },
        Record::Trouble { place: PLACE, failed: Failed::ReadDirectory, errno: 5, name: b"x" },
        Record::End { slot: 3 },
    ];

    #[test]
    fn what_is_written_is_read() {
        let mut buffer = [0; 1024];
        let mut end = 0;
        for (worker, record) in (0..).zip(ALL) {
            end += record.encode(worker, &mut buffer[end..]).unwrap();
        }
        let mut rest = &buffer[..end];
        for (expected_worker, expected) in (0..).zip(ALL) {
            let (worker, record, after) = Record::decode(rest).unwrap();
            assert_eq!((worker, record), (expected_worker, expected));
            rest = after;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn a_part_of_a_record_is_no_record() {
        let mut buffer = [0; 64];
        let length = ALL[5].encode(0, &mut buffer).unwrap();
        assert!((0..length).all(|part| Record::decode(&buffer[..part]).is_none()));
        assert!(ALL[5].encode(0, &mut buffer[..length - 1]).is_none());
    }

    #[test]
    fn the_longest_record_is_one_atomic_write() {
        let mut buffer = [0; 2 * PIPE_BUF];
        let endless = Record::Link { place: PLACE, inode: INODE, name: &[b'x'; PIPE_BUF] };
        assert_eq!(endless.encode(0, &mut buffer), Some(PIPE_BUF));
        const { assert!(LONGEST_NAME > 8 * 255) };
    }
}
