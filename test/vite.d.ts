interface ImportMeta {
  /** Vite's import of many modules, each when it is asked for. */
  glob<T>(pattern: string, options: { readonly import: 'default' }): Record<string, () => Promise<T>>;
}
