/** Which tests show something: file to the titles of tests in it, or to the first cells of rows where a table names its tests. */
export type Shown = Readonly<Record<string, readonly string[]>>

/** What is promised, to the tests that show it; or, as text, why nothing shows it yet. */
export type Promises = Readonly<Record<string, Shown | string>>
