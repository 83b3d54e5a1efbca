/** Nominal types: a value of a branded type was made by the `parse` function of its own file, nowhere else. */

declare const brand: unique symbol

/** `Base` that carries the proof that it was parsed as `Name`. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }
