import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Definitions, loadDefinitions } from '../../src/fhir/profiles/definitions.ts';
import { tarEnd, tarHeader, tarPadding } from '../../src/platform/archive/tar.ts';

export type Files = Readonly<Record<string, unknown>>;

const textOf = (content: unknown): string => (typeof content === 'string' ? content : JSON.stringify(content));

export const newFolder = (): string => mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-package-'));

/** A package as a folder; each file is an object for JSON, or a text as it is. */
export function writePackage(files: Files, folder = newFolder()): string {
  mkdirSync(path.join(folder, 'package'), { recursive: true });
  for (const [name, content] of Object.entries(files))
    writeFileSync(path.join(folder, 'package', name), textOf(content));
  return folder;
}

/** The same as a `.tgz`; names as they are, `package/...` or not. */
export function writeArchive(files: Files, file = path.join(newFolder(), 'given.tgz')): string {
  const parts = Object.entries(files).flatMap(([name, content]) => {
    const bytes = Buffer.from(textOf(content));
    return [tarHeader(name, 'file', bytes.length), bytes, tarPadding(bytes.length)];
  });
  writeFileSync(file, gzipSync(Buffer.concat([...parts, tarEnd()])));
  return file;
}

/** Definitions as a guide of our own would have them: named `test#1.0.0`, every canonical below `http://t/`. */
export function definitionsOf(...resources: readonly Record<string, unknown>[]): Promise<Definitions> {
  const files = Object.fromEntries(resources.map((resource, index) => [`${index}.json`, resource]));
  return loadDefinitions([writePackage({ 'package.json': { name: 'test', version: '1.0.0' }, ...files })]);
}

/** A profile by its differential; the first element's path is the type. */
export function profile(
  name: string,
  type: string,
  elements: readonly object[],
  more: object = {},
): Record<string, unknown> {
  return {
    resourceType: 'StructureDefinition',
    url: `http://t/${name}`,
    type,
    baseDefinition: `http://hl7.org/fhir/StructureDefinition/${type}`,
    differential: { element: [{ id: type, path: type }, ...elements] },
    ...more,
  };
}

/** An element of a differential, its path made from the id. */
export function element(id: string, more: object = {}): object {
  return { id, path: id.replace(/:[^.]*/g, ''), ...more };
}
