//! A struct as the macros understand it: its attributes read once, every fault told where it is.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Error, Fields, LitStr, Path, Result, Type, Visibility, parse_quote};

/// The longest name in an ontology, in bytes; `arrakis_core` says the same.
const NAME_LEN_MAX: usize = 100;

/// What a struct is derived as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Struct,
}

/// A struct with named fields.
pub(crate) struct Input {
    pub(crate) ident: Ident,
    /// Where Arrakis is found.
    pub(crate) krate: Path,
    /// The object type's name.
    pub(crate) name: String,
    /// The primary key property's name as the struct's attribute gives it.
    pub(crate) key: Option<LitStr>,
    /// Where it is marked as a part of an object type.
    pub(crate) partial: Option<Span>,
    pub(crate) fields: Vec<Field>,
}

/// A field, and the property it holds.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) ty: Type,
    /// What is written above it for people.
    pub(crate) docs: Vec<Attribute>,
    /// The property's name.
    pub(crate) property: String,
    /// Where it is marked as the key.
    pub(crate) key: Option<Span>,
    pub(crate) derived: bool,
}

impl Kind {
    const fn noun(self) -> &'static str {
        match self {
            Self::Object => "an object type",
            Self::Struct => "a struct value",
        }
    }
}

impl Input {
    /// Reads the struct.
    pub(crate) fn read(tokens: TokenStream, kind: Kind) -> Result<Self> {
        let input: DeriveInput = syn::parse2(tokens)?;
        let mut faults = Faults::default();
        let mut read = Self {
            krate: parse_quote!(::arrakis),
            name: input.ident.unraw().to_string(),
            ident: input.ident,
            key: None,
            partial: None,
            fields: Vec::new(),
        };
        if !input.generics.params.is_empty() {
            let message = format!("{} is held by one struct: this has generic parameters", kind.noun());
            faults.push(Error::new(input.generics.span(), message));
        }
        faults.take(read.attributes(&input.attrs, kind));
        match named_fields(input.data, &read.ident, kind) {
            Ok(fields) => {
                read.fields = fields.into_iter().filter_map(|field| faults.take(Field::read(field, kind))).collect();
            }
            Err(fault) => faults.push(fault),
        }
        faults.take(read.distinct());
        faults.into_result().map(|()| read)
    }

    fn attributes(&mut self, attributes: &[Attribute], kind: Kind) -> Result<()> {
        let (mut name, mut krate) = (None, None);
        each(attributes, |meta| match word(&meta).as_str() {
            "type" if kind == Kind::Object => once(&mut name, text_of(&meta)?, &meta),
            "key" if kind == Kind::Object => once(&mut self.key, text_of(&meta)?, &meta),
            "partial" if kind == Kind::Object => once(&mut self.partial, flag(&meta)?, &meta),
            "crate" => once(&mut krate, text_of(&meta)?.parse()?, &meta),
            _ if kind == Kind::Object => Err(unknown(&meta, "`type`, `key`, `partial` and `crate`")),
            _ => Err(unknown(&meta, "`crate`")),
        })?;
        if let Some(krate) = krate {
            self.krate = krate;
        }
        if let Some(name) = &name {
            self.name = name.value();
        }
        check_name(&self.name, name.map_or_else(|| self.ident.span(), |name| name.span()))
    }

    /// Two fields do not hold one property.
    fn distinct(&self) -> Result<()> {
        let mut faults = Faults::default();
        for (index, field) in self.fields.iter().enumerate() {
            if self.fields.iter().take(index).any(|before| before.property == field.property) {
                let message = format!("a field before this one holds the property `{}`", field.property);
                faults.push(Error::new(field.ident.span(), message));
            }
        }
        faults.into_result()
    }

    /// The field of the primary key.
    pub(crate) fn key_field(&self) -> Result<&Field> {
        let mut marked = self.fields.iter().filter_map(|field| field.key.map(|span| (field, span)));
        match (&self.key, marked.next()) {
            (None, Some((field, _))) => match marked.next() {
                None => given(field),
                Some((_, span)) => Err(Error::new(span, "a field before this one is the key already")),
            },
            (Some(key), None) => {
                let field = self.fields.iter().find(|field| field.property == key.value());
                let missing = || Error::new(key.span(), format!("no field holds the property `{}`", key.value()));
                field.ok_or_else(missing).and_then(given)
            }
            (Some(_), Some((_, span))) => {
                Err(Error::new(span, "the struct's `key` names the key already: one of the two"))
            }
            (None, None) => Err(Error::new(
                self.ident.span(),
                "an object type has a key: mark its field with `#[object(key)]`, or the struct with `#[object(key = \"…\")]`",
            )),
        }
    }
}

fn given(key: &Field) -> Result<&Field> {
    if key.derived { Err(Error::new(key.ident.span(), "a key is not derived")) } else { Ok(key) }
}

impl Field {
    fn read(field: syn::Field, kind: Kind) -> Result<Self> {
        let (mut name, mut key, mut derived) = (None, None, None);
        each(&field.attrs, |meta| match word(&meta).as_str() {
            "name" => once(&mut name, text_of(&meta)?, &meta),
            "key" if kind == Kind::Object => once(&mut key, flag(&meta)?, &meta),
            "derived" if kind == Kind::Object => once(&mut derived, flag(&meta)?, &meta),
            _ if kind == Kind::Object => Err(unknown(&meta, "`name`, `key` and `derived`")),
            _ => Err(unknown(&meta, "`name`")),
        })?;
        let ident = field.ident.ok_or_else(|| Error::new(field.ty.span(), "a field without a name"))?;
        let property = name.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
        check_name(&property, name.map_or_else(|| ident.span(), |name| name.span()))?;
        let docs = field.attrs.into_iter().filter(|attribute| attribute.path().is_ident("doc")).collect();
        let (visibility, ty) = (field.vis, field.ty);
        Ok(Self { ident, visibility, ty, docs, property, key, derived: derived.is_some() })
    }

    /// The name of the constant that stands for the property.
    pub(crate) fn constant(&self) -> Ident {
        Ident::new(&self.ident.unraw().to_string().to_uppercase(), self.ident.span())
    }
}

fn named_fields(data: Data, ident: &Ident, kind: Kind) -> Result<Vec<syn::Field>> {
    let refused = |what: &str| {
        let message = format!("{} is held by a struct with named fields, not by {what}", kind.noun());
        Err(Error::new(ident.span(), message))
    };
    match data {
        Data::Struct(data) => match data.fields {
            Fields::Named(fields) => Ok(fields.named.into_iter().collect()),
            Fields::Unnamed(_) => refused("a tuple struct"),
            Fields::Unit => refused("a unit struct"),
        },
        Data::Enum(_) => refused("an enum"),
        Data::Union(_) => refused("a union"),
    }
}

/// Hands over each member of each `#[object(…)]`.
fn each(attributes: &[Attribute], mut member: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    let ours = attributes.iter().filter(|attribute| attribute.path().is_ident("object"));
    let mut faults = Faults::default();
    for attribute in ours {
        faults.take(attribute.parse_nested_meta(&mut member));
    }
    faults.into_result()
}

fn word(meta: &ParseNestedMeta<'_>) -> String {
    meta.path.get_ident().map(Ident::to_string).unwrap_or_default()
}

fn text_of(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let value = meta.value().map_err(|_| meta.error(format!("a text is expected: `{} = \"…\"`", word(meta))))?;
    value.parse()
}

/// A word by itself; where it stands.
fn flag(meta: &ParseNestedMeta<'_>) -> Result<Span> {
    if meta.input.peek(syn::Token![=]) {
        return Err(meta.error(format!("`{}` takes no value", word(meta))));
    }
    Ok(meta.path.span())
}

fn once<T>(slot: &mut Option<T>, value: T, meta: &ParseNestedMeta<'_>) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(meta.error(format!("`{}` is given twice", word(meta)))),
    }
}

fn unknown(meta: &ParseNestedMeta<'_>, known: &str) -> Error {
    meta.error(format!("there is no attribute `{}` here, only {known}", word(meta)))
}

fn check_name(name: &str, span: Span) -> Result<()> {
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if !starts || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let message =
            format!("`{name}` is no name of an ontology: a letter, then letters, digits and underscores are expected");
        return Err(Error::new(span, message));
    }
    if name.len() > NAME_LEN_MAX {
        return Err(Error::new(span, format!("a name of an ontology has at most {NAME_LEN_MAX} bytes")));
    }
    Ok(())
}

/// Faults as they are found, to be told all at once.
#[derive(Default)]
struct Faults(Option<Error>);

impl Faults {
    fn push(&mut self, fault: Error) {
        match &mut self.0 {
            Some(faults) => faults.combine(fault),
            None => self.0 = Some(fault),
        }
    }

    fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|fault| self.push(fault)).ok()
    }

    fn into_result(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
