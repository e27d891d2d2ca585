import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Built files, which git does not keep. */
const BUILT = fileURLToPath(new URL('../../../dist/design-system/', import.meta.url));
const STAMP = 'version.txt';

/**
 * The folder with the design system's style (`css/design-system.css`) and fonts (`fonts/`), gathered from its package the first
 * time and after an update: so the program itself runs without the package, which is large and needed for building only.
 *
 * @throws Error with words for whoever runs the program when there is neither
 */
export async function designSystemFolder(): Promise<string> {
  const installed = await findPackage();
  const built = await readFile(path.join(BUILT, STAMP), 'utf8').catch(() => undefined);
  if (installed === undefined && built === undefined)
    throw new Error('The style of the pages is missing: run `npm ci` with development packages once, and start again.');
  if (installed !== undefined && built !== installed.version) await build(installed.folder, installed.version);
  return BUILT;
}

/** Several processes may do it at once: each builds apart, and the last rename stands. */
async function build(from: string, version: string): Promise<void> {
  const draft = `${BUILT.slice(0, -1)}.${randomBytes(4).toString('hex')}`;
  await mkdir(path.join(draft, 'css'), { recursive: true });
  await cp(path.join(from, 'fonts'), path.join(draft, 'fonts'), { recursive: true });
  // The theme first: it defines the colours that the rest refers to.
  const styles = await Promise.all(
    ['core-theme.css', 'index.css'].map((name) => readFile(path.join(from, 'css', name), 'utf8')),
  );
  await writeFile(path.join(draft, 'css', 'design-system.css'), styles.join('\n'));
  await writeFile(path.join(draft, STAMP), version);
  await rm(BUILT, { recursive: true, force: true });
  // Lost the race: the other's files are as good.
  await rename(draft, BUILT).catch(() => rm(draft, { recursive: true, force: true }));
}

async function findPackage(): Promise<{ folder: string; version: string } | undefined> {
  try {
    const style = createRequire(import.meta.url).resolve('@cmsgov/design-system/css/index.css');
    const folder = path.resolve(path.dirname(style), '..');
    const manifest = await readFile(path.resolve(folder, '..', 'package.json'), 'utf8');
    return { folder, version: (JSON.parse(manifest) as { version: string }).version };
  } catch {
    return undefined;
  }
}
