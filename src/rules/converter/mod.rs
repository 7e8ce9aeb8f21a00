//! Converters: what makes another value of a value. Each is a row of a table: its name, its parameters,
//! the type it takes and the type it gives, and the function.

mod addresses;
mod encoding;
mod hash;
mod maps;
mod mqtt;
mod numbers;
mod tables;
mod text;
mod word;

pub(super) use word::Converter;

const GROUPS: [&[Converter]; 8] = [
    text::CONVERTERS,
    numbers::CONVERTERS,
    encoding::CONVERTERS,
    hash::CONVERTERS,
    addresses::CONVERTERS,
    maps::CONVERTERS,
    mqtt::CONVERTERS,
    tables::CONVERTERS,
];

/// Every converter.
pub(super) fn all() -> impl Iterator<Item = &'static Converter> {
    GROUPS.into_iter().flatten()
}
