//! The derive macros of Arrakis. `arrakis` exports them as `arrakis::Object` and `arrakis::Struct`, `arrakis-core` under the same names;
//! what they make of a struct is described in `arrakis::typed`.

mod expand;
mod input;

use proc_macro::TokenStream;

/// Makes a struct with named fields an `ObjectStruct`: its objects are read into it and written from it.
///
/// On the struct, `#[object(…)]` takes
/// - `type = "Airport"`, the object type's name; the struct's own when left out;
/// - `key = "iata"`, the name of the primary key property, where no field is marked as the key;
/// - `partial`, for a struct that objects are read into and changed through, and never created of: it may lack required properties;
/// - `crate = "path"`, where Arrakis is found; `::arrakis` when left out.
///
/// On a field it takes
/// - `name = "state_code"`, the property's name; the field's own when left out;
/// - `key`, for the primary key;
/// - `derived`, for a property the kernel computes: it is read and never written.
///
/// A field is an `Option` where the property may be absent. Each field also becomes a constant in capitals, as visible as the field,
/// that stands for the property in filters and orders: `Airport::STATE.eq("CA")`.
#[proc_macro_derive(Object, attributes(object))]
pub fn derive_object(input: TokenStream) -> TokenStream {
    expand::object(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct with named fields a `PropertyType`: the value of a property whose type is a struct, or of such a field of another.
///
/// `#[object(…)]` takes `crate = "path"` on the struct and `name = "zip_code"` on a field, as for `Object`. A field is an `Option` where
/// the struct value's field may be absent.
#[proc_macro_derive(Struct, attributes(object))]
pub fn derive_struct(input: TokenStream) -> TokenStream {
    expand::structure(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
