//! The order of a tree.

use super::held::Held;
use super::order::Order;

/// The lines of one operand, which come with what is in a directory before the directory, in the order of a tree: the
/// directory first, and then what is in it, in an order.
pub(super) fn as_tree(lines: Vec<Held>, order: Order) -> Vec<Held> {
    let mut pending: Vec<Vec<Held>> = Vec::new();
    for line in lines {
        let first = pending.iter().rposition(|other| other[0].depth <= line.depth).map_or(0, |at| at + 1);
        let mut inner = pending.split_off(first);
        order.sort(&mut inner, |tree| &tree[0]);
        let tree = [vec![line]].into_iter().chain(inner).flatten().collect();
        pending.push(tree);
    }
    pending.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use memalloc_os::walk::Totals;

    use super::*;

    #[test]
    fn a_directory_comes_before_what_is_in_it_and_the_heaviest_first() {
        let lines = [
            ("a/b/x", 1),
            ("a/b/y", 3),
            ("a/b", 5),
            ("a/c", 7),
            ("a/d/z", 5),
            ("a/d", 5),
            ("a", 20),
            ("e", 0),
        ];
        let held = |(path, weight): (&str, u64)| {
            let depth = path.matches('/').count();
            Held { path: path.into(), depth, totals: Totals::NONE, weight }
        };
        let tree = as_tree(lines.map(held).to_vec(), Order::default());
        let paths: Vec<_> = tree.iter().map(|line| std::str::from_utf8(&line.path).unwrap()).collect();
        assert_eq!(paths.join(" "), "a a/c a/b a/b/y a/b/x a/d a/d/z e");
    }
}
