//! A line as its words: HAProxy's quoting, each word with its place.
//!
//! Blanks part words, and `#` where it is not quoted begins a comment. Single quotes protect
//! everything. Double quotes protect blanks, `'` and `#`. Outside of single quotes a backslash
//! protects a blank, `\`, `#`, `'`, `"` or `$`, and writes `\n`, `\r`, `\t` and `\xHH`; in front of
//! anything else it is an ordinary character.

use std::ops::Range;

use super::error::{LineFault, named};

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it says, without quotes and backslashes.
    pub(super) word: Vec<u8>,
    /// Whether a part of it was protected: then it is never a brace, a flag or `if`.
    pub(super) quoted: bool,
    /// Where it is written, in bytes of the line.
    pub(super) span: Range<usize>,
}

impl Token {
    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.word == keyword.as_bytes()
    }

    /// Its text; none when `\xHH` made it something else.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.word).ok()
    }
}

/// The fault of what is no time.
pub(super) fn not_a_time(token: &Token) -> LineFault {
    let problem = format!("{} is no time", named(&token.word));
    let expected = "a number with ms, s, m, h or d behind it, of at least a millisecond";
    LineFault::new(token.span.clone(), problem, expected)
}

/// The words of a line.
pub(super) fn tokens(line: &str) -> Result<Vec<Token>, LineFault> {
    let mut scanner = Scanner { line: line.as_bytes(), at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = scanner.token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Scanner<'a> {
    line: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn token(&mut self) -> Result<Option<Token>, LineFault> {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if matches!(self.peek(), None | Some(b'#')) {
            return Ok(None);
        }
        let start = self.at;
        let mut word = Vec::new();
        let mut quoted = false;
        while let Some(byte) = self.peek().filter(|byte| !matches!(byte, b' ' | b'\t' | b'#')) {
            match byte {
                b'\'' | b'"' => {
                    quoted = true;
                    self.quotation(byte, &mut word)?;
                }
                b'\\' => {
                    quoted = true;
                    self.escape(&mut word)?;
                }
                _ => self.plain(&mut word)?,
            }
        }
        Ok(Some(Token { word, quoted, span: start..self.at }))
    }

    /// What is between two quotation marks of one kind.
    fn quotation(&mut self, mark: u8, word: &mut Vec<u8>) -> Result<(), LineFault> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => {
                    let expected = format!("a closing {}", char::from(mark));
                    return Err(LineFault::new(
                        start..self.line.len(),
                        "this quotation does not end on its line",
                        expected,
                    ));
                }
                Some(byte) if byte == mark => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') if mark == b'"' => self.escape(word)?,
                Some(_) => self.plain(word)?,
            }
        }
    }

    fn escape(&mut self, word: &mut Vec<u8>) -> Result<(), LineFault> {
        let start = self.at;
        let escaped = self.line.get(start + 1).copied();
        self.at += 2;
        word.push(match escaped {
            Some(byte @ (b' ' | b'\t' | b'\\' | b'#' | b'\'' | b'"' | b'$')) => byte,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'x') => {
                let digits = self.line.get(self.at..self.at + 2).and_then(hex);
                let Some(byte) = digits else {
                    let problem = "`\\x` without the number of a byte";
                    return Err(LineFault::new(start..self.at, problem, "two hexadecimal digits"));
                };
                self.at += 2;
                byte
            }
            _ => {
                self.at = start + 1;
                b'\\'
            }
        });
        Ok(())
    }

    fn plain(&mut self, word: &mut Vec<u8>) -> Result<(), LineFault> {
        let byte = self.line[self.at];
        if byte.is_ascii_control() && byte != b'\t' {
            let expected = format!("`\\x{byte:02x}`, if it is meant");
            return Err(LineFault::new(self.at..self.at + 1, "a control character", expected));
        }
        word.push(byte);
        self.at += 1;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    match *digits {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Token, tokens};

    fn words(line: &str) -> Vec<Vec<u8>> {
        tokens(line).expect("a line").into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn quotes_and_backslashes_protect_what_haproxy_says_they_do() {
        for (line, expected) in [
            ("a  b\tc", &[b"a" as &[u8], b"b", b"c"] as &[&[u8]]),
            ("  # all comment", &[]),
            ("a#b", &[b"a"]),
            (r"a\#b a\ b", &[b"a#b", b"a b"]),
            (r#""a b" 'c d' "#, &[b"a b", b"c d"]),
            (r#""it's" 'a "b"'"#, &[b"it's", b"a \"b\""]),
            (r#"a"b c"d"#, &[b"ab cd"]),
            (r"'\n\x41' \n\x41", &[br"\n\x41", b"\nA"]),
            (r#""\"\$\#""#, &[b"\"$#"]),
            (r"\.example\.com$", &[br"\.example\.com$"]),
            (r"\x00\xff", &[b"\x00\xff"]),
            (r#""" ''"#, &[b"", b""]),
            (r"\", &[b"\\"]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    #[test]
    fn a_word_knows_where_it_is_written_and_whether_it_was_protected() {
        let found = tokens(r#" if "if" {\ "#).expect("a line");
        let spans: Vec<_> = found.iter().map(|token| (token.span.clone(), token.quoted)).collect();
        assert_eq!(spans, [(1..3, false), (4..8, true), (9..12, true)]);
        assert!(found[0].is("if") && !found[1].is("if"));
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (line, span) in [("a 'b", 2..4), ("\"a\\\"", 0..4), (r"a \x4", 2..4), ("a\u{1}", 1..2)]
        {
            assert_eq!(tokens(line).expect_err(line).span, span, "{line}");
        }
    }

    /// A word, written so that it is read back.
    fn quoted(word: &[u8]) -> String {
        let inside: String = word
            .iter()
            .map(|byte| match byte {
                b'"' | b'\\' | b'$' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                other => format!("\\x{other:02x}"),
            })
            .collect();
        format!("\"{inside}\"")
    }

    proptest! {
        #[test]
        fn every_word_can_be_written(words in prop::collection::vec(any::<Vec<u8>>(), 0..5)) {
            let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            let read: Vec<_> = tokens(&line).expect("a line").into_iter().map(|token| token.word).collect();
            prop_assert_eq!(read, words);
        }

        #[test]
        fn words_lie_in_their_line_one_behind_the_other(line in "[ a'\"\\\\x#\t{}é\u{1}]{0,24}") {
            if let Ok(found) = tokens(&line) {
                let mut end = 0;
                for Token { span, .. } in found {
                    prop_assert!(end <= span.start && span.start < span.end);
                    prop_assert!(line.get(span.clone()).is_some());
                    end = span.end;
                }
            }
        }
    }
}
