//! What the macros make of a struct.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Path, Result};

use crate::input::{Field, Input, Kind};

/// `#[derive(Object)]`.
pub(crate) fn object(tokens: TokenStream) -> Result<TokenStream> {
    let input = Input::read(tokens, Kind::Object)?;
    let key = input.key_field()?;
    let (key_type, key_field, key_property) = (&key.ty, &key.ident, &key.property);
    let partial = input.partial.is_some();
    let Input { ident, krate, name, fields, .. } = &input;
    let shapes = fields.iter().map(|field| shape(field, krate));
    let reads = fields.iter().map(read);
    let writes = fields.iter().filter(|field| !field.derived).map(|field| write(field, krate));
    let constants = constants(&input);
    Ok(quote! {
        #[automatically_derived]
        impl #krate::typed::ObjectStruct for #ident {
            const OBJECT_TYPE: &'static str = #name;

            type Key = #key_type;

            fn shape() -> #krate::typed::Shape {
                #krate::typed::Shape {
                    object_type: ::std::string::String::from(#name),
                    key: ::std::string::String::from(#key_property),
                    properties: ::std::vec![#(#shapes),*],
                    partial: #partial,
                }
            }

            fn from_object(object: &#krate::typed::derived::Object) -> #krate::typed::derived::Result<Self> {
                let row = #krate::typed::Row::of::<Self>(object)?;
                ::core::result::Result::Ok(Self { #(#reads),* })
            }

            fn key(&self) -> Self::Key {
                ::core::clone::Clone::clone(&self.#key_field)
            }

            fn properties(&self) -> #krate::typed::derived::NewProperties {
                let mut values = #krate::typed::derived::Map::new();
                #(#writes)*
                #krate::typed::derived::NewProperties::from(values)
            }
        }

        #constants
    })
}

/// `#[derive(Struct)]`.
pub(crate) fn structure(tokens: TokenStream) -> Result<TokenStream> {
    let Input { ident, krate, fields, .. } = &Input::read(tokens, Kind::Struct)?;
    let shapes = fields.iter().map(|field| shape(field, krate));
    let reads = fields.iter().map(read);
    let writes = fields.iter().map(|field| write(field, krate));
    Ok(quote! {
        #[automatically_derived]
        impl #krate::typed::PropertyType for #ident {
            fn shape() -> #krate::typed::TypeShape {
                #krate::typed::TypeShape::Struct(::std::vec![#(#shapes),*])
            }

            fn read(
                value: &#krate::typed::derived::Value,
                base: ::core::option::Option<&#krate::typed::derived::BaseType>,
            ) -> #krate::typed::derived::Result<Self> {
                let row = #krate::typed::StructRow::of(value, base)?;
                ::core::result::Result::Ok(Self { #(#reads),* })
            }

            fn to_json(&self) -> #krate::typed::derived::Json {
                let mut values = #krate::typed::derived::Map::new();
                #(#writes)*
                #krate::typed::derived::Json::Object(values)
            }
        }
    })
}

fn shape(field: &Field, krate: &Path) -> TokenStream {
    let Field { ty, property, derived, .. } = field;
    let derived = derived.then(|| quote!(.derived()));
    quote!(#krate::typed::PropertyShape::of::<#ty>(#property) #derived)
}

fn read(field: &Field) -> TokenStream {
    let Field { ident, ty, property, .. } = field;
    quote!(#ident: row.get::<#ty>(#property)?)
}

fn write(field: &Field, krate: &Path) -> TokenStream {
    let Field { ident, property, .. } = field;
    let ty = field_type(field, krate);
    quote!(values.insert(::std::string::String::from(#property), #ty::to_json(&self.#ident));)
}

/// The field's type as one, where it stands: a type that holds no property is told there.
fn field_type(field: &Field, krate: &Path) -> TokenStream {
    let (ty, span) = (&field.ty, place_of(field));
    quote_spanned!(span=> <#ty as #krate::typed::FieldType>)
}

/// The type of the field's constant, told to be faulty where the field's type stands, as that of the field is.
fn constant_type(field: &Field, krate: &Path) -> TokenStream {
    let (ty, span) = (field_type(field, krate), place_of(field));
    let krate = krate.to_token_stream().into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    let krate: TokenStream = krate.collect();
    quote_spanned!(span=> #krate::typed::PropertyOf<Self, #ty::Present>)
}

fn place_of(field: &Field) -> Span {
    Span::call_site().located_at(field.ty.span())
}

/// A constant for each field: what is not used is no fault, and none is more visible than the struct.
fn constants(input: &Input) -> TokenStream {
    let Input { ident, krate, fields, .. } = input;
    let constants = fields.iter().map(|field| {
        let Field { visibility, docs, property, .. } = field;
        let (constant, data_type) = (field.constant(), constant_type(field, krate));
        let summary = format!("The property `{property}`, for filters and orders.");
        let paragraph = (!docs.is_empty()).then(|| quote!(#[doc = ""]));
        quote! {
            #[doc = #summary]
            #paragraph
            #(#docs)*
            #visibility const #constant: #data_type = #krate::typed::PropertyOf::new(#property);
        }
    });
    quote! {
        #[automatically_derived]
        #[allow(dead_code, unreachable_pub)]
        impl #ident {
            #(#constants)*
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    /// The faults of a struct, each as its message.
    fn faults(expanded: Result<TokenStream>) -> Vec<String> {
        match expanded {
            Ok(tokens) => panic!("no fault in {tokens}"),
            Err(faults) => faults.into_iter().map(|fault| fault.to_string()).collect(),
        }
    }

    #[test]
    fn only_structs_with_named_fields_are_objects() {
        for (tokens, what) in [
            (
                quote!(
                    enum A {
                        B,
                    }
                ),
                "an enum",
            ),
            (
                quote!(
                    struct A(String);
                ),
                "a tuple struct",
            ),
            (
                quote!(
                    struct A;
                ),
                "a unit struct",
            ),
            (quote!(union A { a: u8 }), "a union"),
        ] {
            let expected = |noun| [format!("{noun} is held by a struct with named fields, not by {what}")];
            assert_eq!(faults(object(tokens.clone())), expected("an object type"));
            assert_eq!(faults(structure(tokens)), expected("a struct value"));
        }
        let generic = quote!(
            struct A<T> {
                #[object(key)]
                id: T,
            }
        );
        assert_eq!(faults(object(generic)), ["an object type is held by one struct: this has generic parameters"]);
    }

    #[test]
    fn an_object_has_one_key() {
        for (tokens, message) in [
            (
                quote!(
                    struct A {
                        id: i64,
                    }
                ),
                "an object type has a key: mark its field with `#[object(key)]`, or the struct with `#[object(key = \"…\")]`",
            ),
            (
                quote!(
                    #[object(key = "no")]
                    struct A {
                        id: i64,
                    }
                ),
                "no field holds the property `no`",
            ),
            (
                quote!(
                    #[object(key = "id")]
                    struct A {
                        #[object(key)]
                        id: i64,
                    }
                ),
                "the struct's `key` names the key already: one of the two",
            ),
            (
                quote!(
                    struct A {
                        #[object(key)]
                        id: i64,
                        #[object(key)]
                        b: i64,
                    }
                ),
                "a field before this one is the key already",
            ),
            (
                quote!(
                    struct A {
                        #[object(key, derived)]
                        id: i64,
                    }
                ),
                "a key is not derived",
            ),
            (
                quote!(
                    #[object(key = "id")]
                    struct A {
                        #[object(derived)]
                        id: i64,
                    }
                ),
                "a key is not derived",
            ),
        ] {
            assert_eq!(faults(object(tokens)), [message]);
        }
    }

    #[test]
    fn every_wrong_attribute_is_told() {
        let tokens = quote! {
            #[object(type = "Air port", table = "x")]
            struct A {
                #[object(key = "id")]
                id: i64,
                #[object(skip)]
                a: i64,
                #[object(name)]
                b: i64,
                #[object(name = "c", name = "d")]
                c: i64,
                #[object(name = "é")]
                d: i64,
            }
        };
        assert_eq!(
            faults(object(tokens)),
            [
                "there is no attribute `table` here, only `type`, `key`, `partial` and `crate`",
                "`key` takes no value",
                "there is no attribute `skip` here, only `name`, `key` and `derived`",
                "a text is expected: `name = \"…\"`",
                "`name` is given twice",
                "`é` is no name of an ontology: a letter, then letters, digits and underscores are expected",
            ]
        );
        let key = quote!(
            struct A {
                #[object(key)]
                id: i64,
            }
        );
        assert_eq!(faults(structure(key)), ["there is no attribute `key` here, only `name`"]);
        let typed = quote!(
            #[object(type = "A")]
            struct A {
                id: i64,
            }
        );
        assert_eq!(faults(structure(typed)), ["there is no attribute `type` here, only `crate`"]);
    }

    #[test]
    fn names_are_those_of_an_ontology_and_held_once() {
        let tokens = quote!(
            #[object(type = "Air port")]
            struct A {
                #[object(key)]
                id: i64,
            }
        );
        let message =
            "`Air port` is no name of an ontology: a letter, then letters, digits and underscores are expected";
        assert_eq!(faults(object(tokens)), [message]);
        let long = "a".repeat(101);
        let tokens = quote!(
            struct A {
                #[object(key, name = #long)]
                id: i64,
            }
        );
        assert_eq!(faults(object(tokens)), ["a name of an ontology has at most 100 bytes"]);
        let tokens = quote!(
            struct A {
                #[object(key)]
                id: i64,
                #[object(name = "id")]
                b: i64,
            }
        );
        assert_eq!(faults(object(tokens)), ["a field before this one holds the property `id`"]);
    }

    #[test]
    fn a_raw_field_is_called_without_its_marks() {
        let tokens = quote!(
            #[object(crate = "a::b")]
            pub struct A {
                #[object(key)]
                pub(crate) r#type: i64,
            }
        );
        let text = object(tokens).unwrap().to_string();
        for expected in ["a :: b :: typed :: PropertyOf :: new (\"type\")", "pub (crate) const TYPE :"] {
            assert!(text.contains(expected), "{text}");
        }
        assert!(!text.contains(":: arrakis"), "{text}");
    }
}
