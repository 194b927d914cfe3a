export const floors: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
declare const config: { readonly forbidden: readonly object[]; readonly options: Readonly<Record<string, unknown>> }
export default config
