//! What the options say of which files count.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use memalloc_os::walk::Filter;

use super::quote::{cited, locale_is_utf8};
use super::{age, pattern, size};

/// Which files count, as far as the options have been read.
#[derive(Default)]
pub(super) struct Files {
    filter: Filter,
    patterns: Vec<Vec<u8>>,
    /// Not all files count.
    is_some: bool,
}

impl Files {
    /// Takes an option; what is wrong with its argument, if anything is.
    pub(super) fn option(&mut self, name: &str, argument: &OsStr) -> Result<(), Vec<u8>> {
        self.is_some = true;
        let (sizes, modified) = (self.filter.sizes.clone(), self.filter.modified.clone());
        match name {
            "larger" => self.filter.sizes = bytes(name, argument)?..=*sizes.end(),
            "smaller" => self.filter.sizes = *sizes.start()..=bytes(name, argument)?,
            "newer" => self.filter.modified = moment(name, argument)?..=*modified.end(),
            "older" => {
                self.filter.modified = *modified.start()..=age::just_before(moment(name, argument)?);
            }
            _ => self.patterns.push(argument.as_bytes().into()),
        }
        Ok(())
    }

    /// Which files count, if not all do.
    pub(super) fn finish(mut self) -> Result<Option<Filter>, Vec<u8>> {
        if self.filter.sizes.is_empty() {
            return Err(b"no size is within --larger and --smaller".into());
        }
        if self.filter.modified.is_empty() {
            return Err(b"no time is within --newer and --older".into());
        }
        if !self.patterns.is_empty() {
            let utf8 = locale_is_utf8();
            self.filter.names = Some(Rc::new(move |name| {
                self.patterns.iter().any(|pattern| pattern::excludes(pattern, name, utf8))
            }));
        }
        Ok(self.is_some.then_some(self.filter))
    }
}

fn bytes(option: &str, argument: &OsStr) -> Result<u64, Vec<u8>> {
    let argument = argument.as_bytes();
    let option = format!("--{option}");
    let bytes = size::threshold(argument).map_err(|kind| kind.message(&option, argument))?;
    u64::try_from(bytes).map_err(|_| size::Wrong::Number.message(&option, argument))
}

fn moment(option: &str, argument: &OsStr) -> Result<(i64, u32), Vec<u8>> {
    argument.to_str().and_then(age::moment).ok_or_else(|| {
        let what = b"; give a number with s, min, h, d, w, mon or y, or a date as 2026-01-31";
        [format!("invalid --{option} argument ").as_bytes(), &cited(argument.as_bytes()), what].concat()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(options: &[(&str, &str)]) -> String {
        let mut files = Files::default();
        let read = options.iter().try_for_each(|(name, argument)| files.option(name, argument.as_ref()));
        String::from_utf8(read.and_then(|()| files.finish().map(|_| ())).unwrap_err()).unwrap()
    }

    #[test]
    fn what_is_said_of_sizes_and_times_holds_together() {
        let mut files = Files::default();
        for (name, argument) in [("smaller", "2M"), ("larger", "1K"), ("newer", "2w"), ("older", "1d")] {
            files.option(name, argument.as_ref()).unwrap();
        }
        let filter = files.finish().unwrap().unwrap();
        assert_eq!(filter.sizes, 1024..=2 << 20);
        let (since, until) = (filter.modified.start().0, filter.modified.end().0);
        assert!((13 * 86_400 - 1..=13 * 86_400 + 1).contains(&(until - since)));
        assert!(Files::default().finish().unwrap().is_none());
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        assert_eq!(wrong(&[("larger", "-5")]), "invalid --larger argument '-5'");
        assert!(wrong(&[("newer", "5")]).starts_with("invalid --newer argument ‘5’; give a number with s,"));
        assert_eq!(wrong(&[("larger", "2"), ("smaller", "1")]), "no size is within --larger and --smaller");
        assert_eq!(wrong(&[("newer", "1d"), ("older", "2d")]), "no time is within --newer and --older");
    }
}
