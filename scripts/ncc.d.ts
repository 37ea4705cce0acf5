declare module '@vercel/ncc' {
  /** The part of ncc's Node API that the build uses. */
  function ncc(
    input: string,
    options: { readonly cache: false; readonly quiet: boolean },
  ): Promise<{ readonly code: string; readonly assets: Readonly<Record<string, unknown>> }>;
  export = ncc;
}
