//! An awk program as a tree (POSIX awk, "Grammar").

use super::lexer::Token;
use std::collections::HashMap;

/// How deep a program may nest.
const DEPTH_MAX: usize = 60;
/// Operators that join to the left, in the whole program: a long chain of them is as deep a tree as nesting makes.
const LINKS_MAX: usize = 200;
/// Tokens of one program.
const TOKENS_MAX: usize = 20_000;

#[derive(Debug, Clone)]
pub(super) enum Expr {
    Number(f64),
    Text(Vec<u8>),
    Regex(Vec<u8>),
    Variable(String),
    Field(Box<Expr>),
    Element(String, Vec<Expr>),
    Assign(&'static str, Box<Expr>, Box<Expr>),
    Ternary(Box<Expr>, Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    In(Vec<Expr>, String),
    Match(bool, Box<Expr>, Box<Expr>),
    Compare(&'static str, Box<Expr>, Box<Expr>),
    Concat(Box<Expr>, Box<Expr>),
    Arithmetic(&'static str, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    /// Change by, and whether the value is that before.
    Step(f64, bool, Box<Expr>),
    Builtin(&'static str, Vec<Expr>),
    Call(String, Vec<Expr>),
    /// From a command, a file or the input; into an lvalue or `$0`.
    Getline(From, Option<Box<Expr>>),
    Group(Box<Expr>),
}

#[derive(Debug, Clone)]
pub(super) enum From {
    Input,
    File(Box<Expr>),
    Command(Box<Expr>),
}

/// Where `print` writes: `>`, `>>` or `|`, and to what.
pub(super) type Redirection = (&'static str, Expr);

#[derive(Debug, Clone)]
pub(super) enum Stmt {
    Expr(Expr),
    Print(Vec<Expr>, Option<Redirection>),
    Printf(Vec<Expr>, Option<Redirection>),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    While(Expr, Vec<Stmt>),
    Do(Vec<Stmt>, Expr),
    For(Option<Box<Stmt>>, Option<Expr>, Option<Box<Stmt>>, Vec<Stmt>),
    ForIn(String, String, Vec<Stmt>),
    Break,
    Continue,
    Next,
    NextFile,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    Delete(String, Option<Vec<Expr>>),
    Block(Vec<Stmt>),
}

#[derive(Debug)]
pub(super) enum Pattern {
    Always,
    Begin,
    End,
    When(Expr),
    Range(Expr, Expr),
}

pub(super) struct Function {
    pub parameters: Vec<String>,
    pub body: Vec<Stmt>,
}

#[derive(Default)]
pub(super) struct Program {
    pub rules: Vec<(Pattern, Option<Vec<Stmt>>)>,
    pub functions: HashMap<String, Function>,
}

pub(super) struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
    links: usize,
    /// Inside `print`'s arguments a bare `>` redirects; in a `for` a bare `in` ends.
    no_greater: bool,
    no_in: bool,
}

type Wrong = (usize, String);
type Parsed<T> = Result<T, Wrong>;

pub(super) fn parse(tokens: Vec<(Token, usize)>) -> Parsed<Program> {
    if tokens.len() > TOKENS_MAX {
        return Err((1, "program too long".to_owned()));
    }
    let mut parser = Parser { tokens, at: 0, depth: 0, links: 0, no_greater: false, no_in: false };
    let mut program = Program::default();
    loop {
        parser.skip_ends();
        match parser.peek().clone() {
            Token::End => return Ok(program),
            Token::Word("function") => {
                parser.at += 1;
                let name = match parser.next() {
                    Token::Name(name) | Token::Call(name) => name,
                    _ => return Err(parser.near()),
                };
                parser.expect("(")?;
                let mut parameters = Vec::new();
                while !parser.accept(")") {
                    parser.skip_newlines();
                    match parser.next() {
                        Token::Name(name) => parameters.push(name),
                        _ => return Err(parser.near()),
                    }
                    parser.accept(",");
                    parser.skip_newlines();
                }
                parser.skip_newlines();
                let body = parser.block()?;
                program.functions.insert(name, Function { parameters, body });
            }
            _ => {
                let pattern = parser.pattern()?;
                let action = if *parser.peek() == Token::Sign("{") { Some(parser.block()?) } else { None };
                if action.is_none() && matches!(pattern, Pattern::Begin | Pattern::End | Pattern::Always) {
                    return Err(parser.near());
                }
                program.rules.push((pattern, action));
            }
        }
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    /// mawk's complaint about the token just seen.
    fn near(&self) -> Wrong {
        let at = self.at.min(self.tokens.len().saturating_sub(1));
        let (token, line) = self.tokens.get(at).or_else(|| self.tokens.last()).cloned().unwrap_or((Token::End, 1));
        let text = match token {
            Token::Newline | Token::End => return (line, "syntax error at or near end of line".to_owned()),
            Token::Sign(sign) | Token::Word(sign) | Token::Builtin(sign) => sign.to_owned(),
            Token::Name(name) | Token::Call(name) => name,
            Token::Number(number) => number.to_string(),
            Token::Text(text) | Token::Regex(text) => String::from_utf8_lossy(&text).into_owned(),
        };
        (line, format!("syntax error at or near {text}"))
    }

    fn accept(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(found) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.accept(sign) { Ok(()) } else { Err(self.near()) }
    }

    fn skip_newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.at += 1;
        }
    }

    fn skip_ends(&mut self) {
        while matches!(self.peek(), Token::Newline | Token::Sign(";")) {
            self.at += 1;
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let (line, _) = self.near();
            return Err((line, "program nested too deeply".to_owned()));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Counts one more operator of a chain.
    fn link(&mut self) -> Parsed<()> {
        self.links += 1;
        if self.links > LINKS_MAX { Err((self.near().0, "program nested too deeply".to_owned())) } else { Ok(()) }
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        match self.peek() {
            Token::Word("BEGIN") => {
                self.at += 1;
                Ok(Pattern::Begin)
            }
            Token::Word("END") => {
                self.at += 1;
                Ok(Pattern::End)
            }
            Token::Sign("{") => Ok(Pattern::Always),
            _ => {
                let first = self.expr()?;
                if self.accept(",") {
                    self.skip_newlines();
                    return Ok(Pattern::Range(first, self.expr()?));
                }
                Ok(Pattern::When(first))
            }
        }
    }

    fn block(&mut self) -> Parsed<Vec<Stmt>> {
        if !self.accept("{") {
            return Err(self.near());
        }
        let mut statements = Vec::new();
        loop {
            self.skip_ends();
            if self.accept("}") {
                return Ok(statements);
            }
            if *self.peek() == Token::End {
                let (_, line) = self.tokens.last().cloned().unwrap_or((Token::End, 1));
                return Err((line, "missing } near end of file".to_owned()));
            }
            statements.push(self.statement()?);
        }
    }

    /// What a loop or a branch governs: one statement, perhaps on the next line.
    fn body(&mut self) -> Parsed<Vec<Stmt>> {
        self.skip_newlines();
        if self.accept(";") {
            return Ok(Vec::new());
        }
        Ok(vec![self.statement()?])
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        self.deeper(Self::statement_inner)
    }

    fn statement_inner(&mut self) -> Parsed<Stmt> {
        let statement = match self.peek().clone() {
            Token::Sign("{") => return Ok(Stmt::Block(self.block()?)),
            Token::Word("if") => {
                self.at += 1;
                self.expect("(")?;
                let condition = self.expr()?;
                self.expect(")")?;
                let then = self.body()?;
                let before = self.at;
                self.skip_ends();
                if *self.peek() == Token::Word("else") {
                    self.at += 1;
                    let otherwise = self.body()?;
                    return Ok(Stmt::If(condition, then, otherwise));
                }
                self.at = before;
                return Ok(Stmt::If(condition, then, Vec::new()));
            }
            Token::Word("while") => {
                self.at += 1;
                self.expect("(")?;
                let condition = self.expr()?;
                self.expect(")")?;
                return Ok(Stmt::While(condition, self.body()?));
            }
            Token::Word("do") => {
                self.at += 1;
                let body = self.body()?;
                self.skip_ends();
                if self.next() != Token::Word("while") {
                    return Err(self.near());
                }
                self.expect("(")?;
                let condition = self.expr()?;
                self.expect(")")?;
                Stmt::Do(body, condition)
            }
            Token::Word("for") => return self.for_statement(),
            _ => self.simple()?,
        };
        self.end_of_statement()?;
        Ok(statement)
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        match self.peek() {
            Token::Sign(";") | Token::Newline => {
                self.at += 1;
                Ok(())
            }
            Token::Sign("}") | Token::End => Ok(()),
            _ => Err(self.near()),
        }
    }

    fn for_statement(&mut self) -> Parsed<Stmt> {
        self.at += 1;
        self.expect("(")?;
        if let (Token::Name(variable), Some((Token::Word("in"), _)), Some((Token::Name(array), _)), Some((Token::Sign(")"), _))) =
            (self.peek().clone(), self.tokens.get(self.at + 1), self.tokens.get(self.at + 2).cloned(), self.tokens.get(self.at + 3))
        {
            self.at += 4;
            return Ok(Stmt::ForIn(variable, array, self.body()?));
        }
        let start = if self.accept(";") {
            None
        } else {
            let statement = self.simple()?;
            self.expect(";")?;
            Some(Box::new(statement))
        };
        self.skip_newlines();
        let condition = if self.accept(";") {
            None
        } else {
            let condition = self.expr()?;
            self.expect(";")?;
            Some(condition)
        };
        self.skip_newlines();
        let step = if *self.peek() == Token::Sign(")") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(")")?;
        Ok(Stmt::For(start, condition, step, self.body()?))
    }

    fn ends_here(&self) -> bool {
        matches!(self.peek(), Token::Newline | Token::Sign(";" | "}") | Token::End)
    }

    fn simple(&mut self) -> Parsed<Stmt> {
        Ok(match self.peek().clone() {
            Token::Word(word @ ("print" | "printf")) => {
                self.at += 1;
                let (arguments, redirection) = self.output()?;
                if word == "print" { Stmt::Print(arguments, redirection) } else { Stmt::Printf(arguments, redirection) }
            }
            Token::Word("break") => {
                self.at += 1;
                Stmt::Break
            }
            Token::Word("continue") => {
                self.at += 1;
                Stmt::Continue
            }
            Token::Word("next") => {
                self.at += 1;
                Stmt::Next
            }
            Token::Word("nextfile") => {
                self.at += 1;
                Stmt::NextFile
            }
            Token::Word("exit") => {
                self.at += 1;
                Stmt::Exit(if self.ends_here() { None } else { Some(self.expr()?) })
            }
            Token::Word("return") => {
                self.at += 1;
                Stmt::Return(if self.ends_here() { None } else { Some(self.expr()?) })
            }
            Token::Word("delete") => {
                self.at += 1;
                let Token::Name(name) = self.next() else { return Err(self.near()) };
                if self.accept("[") { Stmt::Delete(name, Some(self.subscripts()?)) } else { Stmt::Delete(name, None) }
            }
            _ => Stmt::Expr(self.expr()?),
        })
    }

    fn output(&mut self) -> Parsed<(Vec<Expr>, Option<Redirection>)> {
        let before = std::mem::replace(&mut self.no_greater, true);
        let mut arguments = Vec::new();
        let stops = |token: &Token| matches!(token, Token::Newline | Token::End | Token::Sign(";" | "}" | ">" | ">>" | "|"));
        if !stops(self.peek()) {
            let start = self.at;
            // `print (a, b) > "f"`: the parenthesis may hold the whole list.
            if self.accept("(") {
                self.no_greater = false;
                let list = self.list(")");
                self.no_greater = true;
                if list.is_ok() && self.accept(")") && stops(self.peek()) {
                    arguments = list?;
                } else {
                    self.at = start;
                }
            }
            if arguments.is_empty() {
                arguments = self.list("")?;
            }
        }
        self.no_greater = before;
        let redirection = match self.peek() {
            Token::Sign(sign @ (">" | ">>" | "|")) => {
                let sign = *sign;
                self.at += 1;
                let target = self.deeper(Self::concatenation_without_greater)?;
                Some((sign, target))
            }
            _ => None,
        };
        Ok((arguments, redirection))
    }

    fn concatenation_without_greater(&mut self) -> Parsed<Expr> {
        let before = std::mem::replace(&mut self.no_greater, true);
        let parsed = self.concatenation();
        self.no_greater = before;
        parsed
    }

    fn list(&mut self, end: &str) -> Parsed<Vec<Expr>> {
        let mut list = Vec::new();
        self.skip_newlines();
        if !end.is_empty() && matches!(self.peek(), Token::Sign(sign) if *sign == end) {
            return Ok(list);
        }
        loop {
            list.push(self.expr()?);
            if !self.accept(",") {
                return Ok(list);
            }
            self.skip_newlines();
        }
    }

    fn subscripts(&mut self) -> Parsed<Vec<Expr>> {
        let before = (std::mem::replace(&mut self.no_greater, false), std::mem::replace(&mut self.no_in, false));
        let list = self.list("]")?;
        (self.no_greater, self.no_in) = before;
        self.expect("]")?;
        if list.is_empty() { Err(self.near()) } else { Ok(list) }
    }

    fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(Self::ternary)
    }

    fn ternary(&mut self) -> Parsed<Expr> {
        let condition = self.or()?;
        if self.accept("?") {
            self.skip_newlines();
            let yes = self.expr()?;
            self.skip_newlines();
            self.expect(":")?;
            self.skip_newlines();
            let no = self.expr()?;
            return Ok(Expr::Ternary(Box::new(condition), Box::new(yes), Box::new(no)));
        }
        if let Token::Sign(sign @ ("=" | "+=" | "-=" | "*=" | "/=" | "%=" | "^=")) = self.peek().clone()
            && is_lvalue(&condition)
        {
            self.at += 1;
            self.skip_newlines();
            let value = self.expr()?;
            return Ok(Expr::Assign(sign, Box::new(condition), Box::new(value)));
        }
        Ok(condition)
    }

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.accept("||") {
            self.skip_newlines();
            self.link()?;
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.membership()?;
        while self.accept("&&") {
            self.skip_newlines();
            self.link()?;
            left = Expr::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        while !self.no_in && *self.peek() == Token::Word("in") {
            self.at += 1;
            self.link()?;
            let Token::Name(array) = self.next() else { return Err(self.near()) };
            left = Expr::In(vec![left], array);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        while let Token::Sign(sign @ ("~" | "!~")) = self.peek().clone() {
            self.at += 1;
            self.link()?;
            let right = self.comparison()?;
            left = Expr::Match(sign == "~", Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.concatenation()?;
        match self.peek().clone() {
            Token::Sign(sign @ ("<" | "<=" | "==" | "!=" | ">=")) => {
                self.at += 1;
                Ok(Expr::Compare(sign, Box::new(left), Box::new(self.concatenation()?)))
            }
            Token::Sign(">") if !self.no_greater => {
                self.at += 1;
                Ok(Expr::Compare(">", Box::new(left), Box::new(self.concatenation()?)))
            }
            Token::Sign("|") if matches!(self.tokens.get(self.at + 1), Some((Token::Word("getline"), _))) => {
                self.at += 2;
                let target = self.optional_lvalue()?;
                Ok(Expr::Getline(From::Command(Box::new(left)), target))
            }
            _ => Ok(left),
        }
    }

    fn concatenation(&mut self) -> Parsed<Expr> {
        let mut left = self.sum()?;
        while matches!(
            self.peek(),
            Token::Number(_)
                | Token::Text(_)
                | Token::Name(_)
                | Token::Call(_)
                | Token::Builtin(_)
                | Token::Sign("$" | "(" | "!" | "-" | "+" | "++" | "--")
        ) && !matches!(self.peek(), Token::Sign("!") if matches!(self.tokens.get(self.at + 1), Some((Token::Sign("~" | "="), _))))
        {
            self.link()?;
            left = Expr::Concat(Box::new(left), Box::new(self.sum()?));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        while let Token::Sign(sign @ ("+" | "-")) = self.peek().clone() {
            self.at += 1;
            self.link()?;
            left = Expr::Arithmetic(sign, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        while let Token::Sign(sign @ ("*" | "/" | "%")) = self.peek().clone() {
            self.at += 1;
            self.link()?;
            left = Expr::Arithmetic(sign, Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        match self.peek() {
            Token::Sign("!") => {
                self.at += 1;
                Ok(Expr::Not(Box::new(self.deeper(Self::unary)?)))
            }
            Token::Sign("-") => {
                self.at += 1;
                Ok(Expr::Negate(Box::new(self.deeper(Self::unary)?)))
            }
            Token::Sign("+") => {
                self.at += 1;
                Ok(Expr::Plus(Box::new(self.deeper(Self::unary)?)))
            }
            _ => self.power(),
        }
    }

    fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if self.accept("^") {
            // To the right, and its exponent may have a sign.
            let exponent = self.deeper(Self::unary)?;
            return Ok(Expr::Arithmetic("^", Box::new(base), Box::new(exponent)));
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        for (sign, by) in [("++", 1.0), ("--", -1.0)] {
            if self.accept(sign) {
                let target = self.deeper(Self::primary)?;
                return if is_lvalue(&target) { Ok(Expr::Step(by, false, Box::new(target))) } else { Err(self.near()) };
            }
        }
        let value = self.deeper(Self::primary)?;
        if is_lvalue(&value) {
            for (sign, by) in [("++", 1.0), ("--", -1.0)] {
                if self.accept(sign) {
                    return Ok(Expr::Step(by, true, Box::new(value)));
                }
            }
        }
        Ok(value)
    }

    fn optional_lvalue(&mut self) -> Parsed<Option<Box<Expr>>> {
        Ok(match self.peek() {
            Token::Name(_) | Token::Sign("$") => Some(Box::new(self.deeper(Self::primary)?)),
            _ => None,
        })
    }

    fn primary(&mut self) -> Parsed<Expr> {
        match self.next() {
            Token::Number(value) => Ok(Expr::Number(value)),
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Regex(text) => Ok(Expr::Regex(text)),
            Token::Name(name) => {
                if self.accept("[") {
                    return Ok(Expr::Element(name, self.subscripts()?));
                }
                Ok(Expr::Variable(name))
            }
            Token::Call(name) => {
                self.expect("(")?;
                let arguments = self.arguments()?;
                Ok(Expr::Call(name, arguments))
            }
            Token::Builtin(name) => {
                if self.accept("(") {
                    return Ok(Expr::Builtin(name, self.arguments()?));
                }
                if name == "length" { Ok(Expr::Builtin(name, Vec::new())) } else { Err(self.near()) }
            }
            Token::Sign("$") => {
                let inner = match self.peek() {
                    Token::Sign("++" | "--") => self.deeper(Self::postfix)?,
                    Token::Sign("-") => {
                        self.at += 1;
                        Expr::Negate(Box::new(self.deeper(Self::primary)?))
                    }
                    _ => self.deeper(Self::primary)?,
                };
                Ok(Expr::Field(Box::new(inner)))
            }
            Token::Sign("(") => {
                let before = (std::mem::replace(&mut self.no_greater, false), std::mem::replace(&mut self.no_in, false));
                let mut list = self.list(")")?;
                (self.no_greater, self.no_in) = before;
                self.skip_newlines();
                self.expect(")")?;
                if list.len() == 1 {
                    return Ok(Expr::Group(Box::new(list.remove(0))));
                }
                // `(i, j) in array`
                if list.len() > 1 && *self.peek() == Token::Word("in") {
                    self.at += 1;
                    if let Token::Name(array) = self.next() {
                        return Ok(Expr::In(list, array));
                    }
                }
                self.at -= 1;
                Err(self.near())
            }
            Token::Word("getline") => {
                let target = self.optional_lvalue()?;
                if self.accept("<") {
                    let file = self.deeper(Self::primary)?;
                    return Ok(Expr::Getline(From::File(Box::new(file)), target));
                }
                Ok(Expr::Getline(From::Input, target))
            }
            _ => {
                self.at -= 1;
                Err(self.near())
            }
        }
    }

    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        let before = (std::mem::replace(&mut self.no_greater, false), std::mem::replace(&mut self.no_in, false));
        let list = self.list(")")?;
        (self.no_greater, self.no_in) = before;
        self.skip_newlines();
        self.expect(")")?;
        Ok(list)
    }
}

fn is_lvalue(expr: &Expr) -> bool {
    matches!(expr, Expr::Variable(_) | Expr::Field(_) | Expr::Element(..))
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::*;
    use proptest::prelude::*;

    fn try_parse(text: &[u8]) -> Parsed<Program> {
        parse(lex(text)?)
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line, message) in [
            ("{print", 2, "missing } near end of file"),
            ("{ x = }", 1, "syntax error at or near }"),
            ("BEGIN\n{ }", 1, "syntax error at or near end of line"),
        ] {
            let wrong = try_parse(text.as_bytes()).err().unwrap_or_else(|| panic!("{text} is accepted"));
            assert_eq!((wrong.0, wrong.1.as_str()), (line, message), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        for opener in ["(", "!", "-", "$", "{", "a[", "if(1)", "x=", "1?", "1+", "a b ", "1&&", "2*"] {
            let text = format!("BEGIN{{{}", opener.repeat(50_000));
            assert!(try_parse(text.as_bytes()).is_err(), "{opener}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in r#"[a-cBEGIND{}()\[\];,$0-9"/~!<>=+*%?: \n|-]{0,60}"#) {
            let _ = try_parse(text.as_bytes());
        }
    }
}
