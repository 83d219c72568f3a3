//! The names of users.

use std::collections::HashMap;
use std::fs;

/// Where the system keeps them. What other services know stays a number: to ask them takes their libraries.
const PASSWD: &str = "/etc/passwd";

/// The names of users, as far as they are known.
#[derive(Default)]
pub(super) struct Owners {
    /// None until the first question.
    names: Option<HashMap<u32, Vec<u8>>>,
}

impl Owners {
    /// The name of a user, or the number.
    pub(super) fn name(&mut self, owner: u32) -> &[u8] {
        let names = self.names.get_or_insert_with(|| read(&fs::read(PASSWD).unwrap_or_default()));
        names.entry(owner).or_insert_with(|| owner.to_string().into())
    }
}

/// Reads `name:password:number:...`; of several names of a number the first holds.
fn read(table: &[u8]) -> HashMap<u32, Vec<u8>> {
    let mut names = HashMap::new();
    for line in table.split(|&byte| byte == b'\n') {
        let mut fields = line.split(|&byte| byte == b':');
        if let (Some(name), Some(number)) = (fields.next(), fields.nth(1))
            && let Some(number) = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok())
        {
            names.entry(number).or_insert_with(|| name.into());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_table() {
        let table = b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:\n\n# no user\nu:x:7:7\nbad:x:-1:0\n";
        let mut owners = Owners { names: Some(read(table)) };
        assert_eq!([0, 7, 8].map(|owner| owners.name(owner).to_vec()), [&b"root"[..], b"u", b"8"]);
    }
}
