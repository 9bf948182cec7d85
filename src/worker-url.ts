/**
 * The file of a worker: beside its caller in the sources, in the bundle an entry of its own at the top of dist/ (see
 * bin/build.ts).
 *
 * @param here  `import.meta.url` of the caller
 * @param name  of the file, without its end
 */
export function workerUrl(here: string, name: string): URL {
  if (here.endsWith('.ts')) return new URL(`./${name}.ts`, here);
  const folder = '/dist/';
  return new URL(`${name}.js`, here.slice(0, here.lastIndexOf(folder) + folder.length));
}
