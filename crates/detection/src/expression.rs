//! The AND/OR expression of a behavior over primitives and tags.
//!
//! `a and (b or tag:download)`: `and` binds closer than `or`; `tag:x` stands for any one primitive that carries the tag.

use crate::bits::Bits;

/// Parentheses inside one another.
const DEPTH_MAX: usize = 16;

/// A resolved expression. Numbers are the primitives' places in the catalog.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Primitive(u32),
    /// Any member of a tag, with the tag's name for explanations.
    Tag(Box<str>, Bits),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

/// What a name in an expression stands for.
pub(crate) trait Names {
    /// The primitive's number.
    fn primitive(&self, id: &str) -> Option<u32>;
    /// The primitives that carry the tag.
    fn tag(&self, name: &str) -> Option<&Bits>;
}

impl Expression {
    /// Reads an expression; the error says what was found and what was expected.
    pub(crate) fn parse(text: &str, names: &impl Names) -> Result<Expression, String> {
        let mut parser = Parser { words: words(text), at: 0, depth: 0, names };
        let expression = parser.any()?;
        match parser.peek() {
            None => Ok(expression),
            Some(word) => Err(format!("`{word}` is unexpected: expected `and`, `or` or the end")),
        }
    }

    /// Whether it holds on a set of primitives.
    pub(crate) fn holds(&self, set: &Bits) -> bool {
        match self {
            Expression::Primitive(number) => set.contains(*number),
            Expression::Tag(_, members) => members.intersects(set),
            Expression::All(parts) => parts.iter().all(|part| part.holds(set)),
            Expression::Any(parts) => parts.iter().any(|part| part.holds(set)),
        }
    }

    /// The fewest primitives with which it can hold, counted as written: AND adds, OR takes its smallest branch, a tag counts one.
    pub(crate) fn required(&self) -> u32 {
        match self {
            Expression::Primitive(_) | Expression::Tag(..) => 1,
            Expression::All(parts) => parts.iter().map(Expression::required).sum(),
            Expression::Any(parts) => parts.iter().map(Expression::required).min().unwrap_or(0),
        }
    }

    /// Adds every primitive that it names, those of its tags too.
    pub(crate) fn names(&self, set: &mut Bits) {
        match self {
            Expression::Primitive(number) => set.insert(*number),
            Expression::Tag(_, members) => set.union(members),
            Expression::All(parts) | Expression::Any(parts) => parts.iter().for_each(|part| part.names(set)),
        }
    }

    /// The parts of a failing expression that keep it from holding, as text.
    pub(crate) fn missing(&self, set: &Bits, id_of: &impl Fn(u32) -> String) -> Vec<String> {
        if self.holds(set) {
            return Vec::new();
        }
        match self {
            Expression::All(parts) => parts.iter().flat_map(|part| part.missing(set, id_of)).collect(),
            other => vec![other.show(id_of)],
        }
    }

    fn show(&self, id_of: &impl Fn(u32) -> String) -> String {
        let join = |parts: &[Expression], word: &str| parts.iter().map(|part| part.show(id_of)).collect::<Vec<_>>().join(word);
        match self {
            Expression::Primitive(number) => id_of(*number),
            Expression::Tag(name, _) => format!("tag:{name}"),
            Expression::All(parts) => format!("({})", join(parts, " and ")),
            Expression::Any(parts) => format!("({})", join(parts, " or ")),
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().flat_map(split_parentheses).collect()
}

fn split_parentheses(word: &str) -> impl Iterator<Item = &str> {
    word.split_inclusive(['(', ')']).flat_map(|piece| {
        let cut = piece.strip_suffix(['(', ')']).map_or(piece.len(), str::len);
        let (name, parenthesis) = piece.split_at(cut);
        [name, parenthesis].into_iter().filter(|part| !part.is_empty())
    })
}

struct Parser<'a, N> {
    words: Vec<&'a str>,
    at: usize,
    depth: usize,
    names: &'a N,
}

impl<'a, N: Names> Parser<'a, N> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(taken);
        taken
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.all()?];
        while self.take("or") {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.one()?];
        while self.take("and") {
            parts.push(self.one()?);
        }
        Ok(single_or(parts, Expression::All))
    }

    fn one(&mut self) -> Result<Expression, String> {
        if self.take("(") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(format!("has more than {DEPTH_MAX} parentheses inside one another"));
            }
            let inner = self.any()?;
            self.depth -= 1;
            return if self.take(")") { Ok(inner) } else { Err("has a `(` without its `)`".to_owned()) };
        }
        let word = self.peek().ok_or("ends where a primitive's id or `tag:name` was expected")?;
        self.at += 1;
        if let Some(name) = word.strip_prefix("tag:") {
            let members = self.names.tag(name).ok_or_else(|| format!("names the tag `{name}`, which no primitive carries"))?;
            return Ok(Expression::Tag(name.into(), members.clone()));
        }
        let number = self.names.primitive(word).ok_or_else(|| format!("names `{word}`, which is no primitive's id"))?;
        Ok(Expression::Primitive(number))
    }
}

fn single_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Letters(Bits);

    impl Names for Letters {
        fn primitive(&self, id: &str) -> Option<u32> {
            ["a", "b", "c", "d"].iter().position(|name| *name == id).map(|at| at as u32)
        }
        fn tag(&self, name: &str) -> Option<&Bits> {
            (name == "cd").then_some(&self.0)
        }
    }

    fn set(members: &[u32]) -> Bits {
        let mut bits = Bits::with_size(4);
        members.iter().for_each(|member| bits.insert(*member));
        bits
    }

    fn parse(text: &str) -> Result<Expression, String> {
        Expression::parse(text, &Letters(set(&[2, 3])))
    }

    #[test]
    fn and_binds_closer_than_or() {
        let expression = parse("a and b or tag:cd").unwrap();
        for (members, want) in [(&[0][..], false), (&[0, 1], true), (&[3], true), (&[], false), (&[1, 2], true)] {
            assert_eq!(expression.holds(&set(members)), want, "{members:?}");
        }
        assert_eq!(expression.required(), 1);
        assert_eq!(parse("a AND (b OR tag:cd)").unwrap().required(), 2);
    }

    #[test]
    fn what_is_missing_is_named() {
        let id_of = |number: u32| ["a", "b", "c", "d"][number as usize].to_owned();
        let missing = parse("a and (b or c) and tag:cd").unwrap().missing(&set(&[0]), &id_of);
        assert_eq!(missing, ["(b or c)", "tag:cd"]);
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, part) in [
            ("", "ends where"),
            ("a and", "ends where"),
            ("a b", "`b` is unexpected"),
            ("(a", "without its"),
            ("a)", "`)` is unexpected"),
            ("x", "no primitive's id"),
            ("tag:x", "no primitive carries"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(parse(&"(".repeat(100_000)).unwrap_err().contains("parentheses"));
    }
}
