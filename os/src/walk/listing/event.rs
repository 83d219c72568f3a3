//! What a walk tells, in order, and its form on the pipe.

use super::super::inode::Inode;
use super::super::record::Failed;
use super::origin::Origin;
use super::totals::Totals;

/// One thing that a walk tells. Where it happens is known from what was told before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// The walk goes down to a directory, which itself takes so much; if it has an inode, only unless that has been met.
    Enter { name: &'a [u8], inode: Option<Inode>, origin: Option<Origin>, totals: Totals },
    /// The walk goes up again.
    Leave,
    /// A file; if it has a name, it is to be listed; if it has an inode, it counts unless that has been met.
    File { name: &'a [u8], inode: Option<Inode>, below: bool, origin: Option<Origin>, totals: Totals },
    /// What counts with the current directory, or, if `below`, with directories in it that are not told of.
    Sum { below: bool, totals: Totals },
    /// Something that could not be read: an entry of the current directory, or that directory if the name is empty.
    Trouble { failed: Failed, errno: u32, name: &'a [u8] },
    /// A link to a directory, where somebody else is to decide whether that is to be walked.
    Linked { name: &'a [u8] },
    /// When all has been told here, another segment goes on, in the directory that is now `depth` levels deep.
    Fork { segment: u32, depth: u32 },
}

const HAS_INODE: u8 = 0x10;
const IS_BELOW: u8 = 0x20;
const HAS_ORIGIN: u8 = 0x40;

/// More than the bytes of any event without its name.
const HEAD: usize = 112;

impl<'a> Event<'a> {
    /// Writes it to the start of `out` and says how many bytes it took; `None` if it may have no room.
    pub(super) fn encode(&self, out: &mut [u8]) -> Option<usize> {
        if out.len() < HEAD + self.name().len() {
            return None;
        }
        let mut to = Writer { out, len: 0 };
        match *self {
            Self::Enter { name, inode, origin, totals } => {
                to.start(0, inode, false, origin);
                to.totals(&totals);
                to.name(name);
            }
            Self::Leave => to.start(1, None, false, None),
            Self::File { name, inode, below, origin, totals } => {
                to.start(2, inode, below, origin);
                to.totals(&totals);
                to.name(name);
            }
            Self::Sum { below, totals } => {
                to.start(3, None, below, None);
                to.totals(&totals);
            }
            Self::Trouble { failed, errno, name } => {
                to.start(if failed == Failed::Access { 4 } else { 5 }, None, false, None);
                to.number(errno.into());
                to.name(name);
            }
            Self::Linked { name } => {
                to.start(7, None, false, None);
                to.name(name);
            }
            Self::Fork { segment, depth } => {
                to.start(6, None, false, None);
                to.number(segment.into());
                to.number(depth.into());
            }
        }
        Some(to.len)
    }

    fn name(&self) -> &'a [u8] {
        match *self {
            Self::Enter { name, .. }
            | Self::File { name, .. }
            | Self::Trouble { name, .. }
            | Self::Linked { name } => name,
            Self::Leave | Self::Sum { .. } | Self::Fork { .. } => b"",
        }
    }

    /// Reads the event at the start of `bytes`; `None` if there is none.
    pub(super) fn decode(bytes: &mut &'a [u8]) -> Option<Self> {
        let first = take_byte(bytes)?;
        let inode = match first & HAS_INODE {
            0 => None,
            _ => Some(Inode { dev: take_number(bytes)?, ino: take_number(bytes)? }),
        };
        let below = first & IS_BELOW != 0;
        let origin = match first & HAS_ORIGIN {
            0 => None,
            _ => Some(Origin::from_number(take_number(bytes)?)),
        };
        Some(match first & 0x0f {
            0 => Self::Enter { inode, origin, totals: take_totals(bytes)?, name: take_name(bytes)? },
            1 => Self::Leave,
            2 => Self::File { inode, below, origin, totals: take_totals(bytes)?, name: take_name(bytes)? },
            3 => Self::Sum { below, totals: take_totals(bytes)? },
            kind @ (4 | 5) => {
                let failed = if kind == 4 { Failed::Access } else { Failed::ReadDirectory };
                Self::Trouble { failed, errno: take_number(bytes)? as u32, name: take_name(bytes)? }
            }
            7 => Self::Linked { name: take_name(bytes)? },
            _ => Self::Fork { segment: take_number(bytes)? as u32, depth: take_number(bytes)? as u32 },
        })
    }
}

/// Fills a buffer that is known to have room.
struct Writer<'b> {
    out: &'b mut [u8],
    len: usize,
}

impl Writer<'_> {
    fn start(&mut self, kind: u8, inode: Option<Inode>, below: bool, origin: Option<Origin>) {
        let has_inode = if inode.is_some() { HAS_INODE } else { 0 };
        let has_origin = if origin.is_some() { HAS_ORIGIN } else { 0 };
        self.byte(kind | has_inode | has_origin | if below { IS_BELOW } else { 0 });
        if let Some(Inode { dev, ino }) = inode {
            self.number(dev);
            self.number(ino);
        }
        if let Some(origin) = origin {
            self.number(origin.to_number());
        }
    }

    fn totals(&mut self, totals: &Totals) {
        let (seconds, nanoseconds) = totals.newest;
        self.number(totals.size);
        self.number(totals.other);
        self.number(totals.shared);
        self.number(totals.inodes);
        self.number(zigzag(seconds));
        self.number(nanoseconds.into());
    }

    fn name(&mut self, name: &[u8]) {
        self.number(name.len() as u64);
        name.iter().for_each(|&byte| self.byte(byte));
    }

    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.out.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    /// Seven bits a byte, the lowest first; all but the last have the eighth.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }
}

fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(first)
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(bytes)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    Some(number)
}

fn take_totals(bytes: &mut &[u8]) -> Option<Totals> {
    let (size, other) = (take_number(bytes)?, take_number(bytes)?);
    let (shared, inodes) = (take_number(bytes)?, take_number(bytes)?);
    let newest = (unzigzag(take_number(bytes)?), take_number(bytes)? as u32);
    Some(Totals { size, other, shared, inodes, newest })
}

fn take_name<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_number(bytes)? as usize;
    let (name, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(name)
}

/// Numbers near 0 become small, whatever their sign.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::super::origin::Kind;
    use super::*;

    const INODE: Option<Inode> = Some(Inode { dev: u64::MAX, ino: 1 << 40 });
    const TOTALS: Totals = Totals {
        size: u64::MAX,
        other: u64::MAX,
        shared: u64::MAX,
        inodes: 1,
        newest: (i64::MIN, 999_999_999),
    };
    const ORIGIN: Option<Origin> = Some(Origin { kind: Kind::Other, owner: u32::MAX });

    const ALL: [Event<'static>; 10] = [
        Event::Linked { name: b"to" },
        Event::Enter { name: b"\n\xff", inode: INODE, origin: ORIGIN, totals: TOTALS },
        Event::Enter { name: b"d", inode: None, origin: None, totals: Totals::NONE },
        Event::Leave,
        Event::File { name: b"f", inode: INODE, below: false, origin: None, totals: TOTALS },
        Event::File { name: b"", inode: None, below: true, origin: ORIGIN, totals: Totals::NONE },
        Event::Sum { below: true, totals: TOTALS },
        Event::Trouble { failed: Failed::Access, errno: 13, name: b"" },
        Event::Trouble { failed: Failed::ReadDirectory, errno: 5, name: b"x" },
        Event::Fork { segment: u32::MAX, depth: 300 },
    ];

    #[test]
    fn what_is_written_is_read() {
        let mut buffer = [0; 1024];
        let mut end = 0;
        for event in ALL {
            end += event.encode(&mut buffer[end..]).unwrap();
        }
        let mut rest = &buffer[..end];
        assert!(ALL.iter().all(|event| Event::decode(&mut rest).as_ref() == Some(event)));
        assert_eq!(Event::decode(&mut rest), None);
    }

    #[test]
    fn no_event_without_its_name_is_longer_than_the_head() {
        let totals = Totals { inodes: u64::MAX, ..TOTALS };
        let inode = Some(Inode { dev: u64::MAX, ino: u64::MAX });
        let event = Event::File { name: b"", inode, below: true, origin: ORIGIN, totals };
        let mut buffer = [0; HEAD];
        assert!(event.encode(&mut buffer).unwrap() < HEAD);
        assert_eq!(event.encode(&mut buffer[1..]), None);
    }

    #[test]
    fn times_of_any_sign_come_back() {
        for number in [0, 1, -1, i64::MAX, i64::MIN, 1 << 40] {
            assert_eq!(unzigzag(zigzag(number)), number);
        }
    }
}
